/* numbers.h - engine.c gives each block of an engine the number that contracts.h names, and the
 * tokens of a batch theirs. */
enum { BLOCKS = 26, TOKENS = BLOCKS, NUMBERS };

void number_block(int number, const void *base);
