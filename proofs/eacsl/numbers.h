/* numbers.h - engine.c gives each block of an engine the number that contracts.h names. */
enum { NUMBERS = 26 };

void number_block(int number, const void *base);
