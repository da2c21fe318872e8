/* source.c - what the library was built from: the program compares it with its own. */
extern const char cuda_source[];
const char cuda_source[] = EER_SOURCE_HASH;
