#include "go_asm.h"
#include "textflag.h"

// A stream's unread bits are in one of R0 to R3, its window's address in one of R4 to R7, the address of its next symbol
// in one of R8 to R11.
#define TABLE R12
#define SHIFT R13
#define TIMES R14
#define TEMP R15

// From s, which TEMP points to.
#define LOAD(i, bits, in) \
	MOVD (state_bits+8*i)(TEMP), bits; \
	MOVD (state_in+8*i)(TEMP), in; \
	Get in; \
	Get TEMP; \
	I32WrapI64; \
	I64Load $(state_off+8*i); \
	I64Add; \
	Set in

// To s. Addresses become offsets again.
#define STORE(i, bits, in) \
	MOVD bits, (state_bits+8*i)(TEMP); \
	Get TEMP; \
	I32WrapI64; \
	Get in; \
	Get TEMP; \
	I32WrapI64; \
	I64Load $(state_in+8*i); \
	I64Sub; \
	I64Store $(state_off+8*i)

// every is in R11.
#define AFTER(out, next) \
	Get out; \
	Get R11; \
	I64Add; \
	Set next

// An entry's length is in its lowest bits: shifts go by the lowest six of a number.
#define SYMBOL(bits, out, at) \
	Get TABLE; \
	Get bits; \
	Get SHIFT; \
	I64ShrU; \
	I64Const $1; \
	I64Shl; \
	I64Add; \
	I32WrapI64; \
	I64Load16U $0; \
	Set TEMP; \
	Get bits; \
	Get TEMP; \
	I64Shl; \
	Set bits; \
	Get out; \
	I32WrapI64; \
	Get TEMP; \
	I64Const $8; \
	I64ShrU; \
	I64Store8 $at

// One of each stream, so that a processor finds four things to do at a time.
#define SYMBOLS(at) \
	SYMBOL(R0, R8, at); \
	SYMBOL(R1, R9, at); \
	SYMBOL(R2, R10, at); \
	SYMBOL(R3, R11, at)

// The zeros below the one that ends a stream's bits tell how many have been read. The window moves by whole bytes.
#define NEXT(bits, in, out) \
	Get in; \
	Get bits; \
	I64Ctz; \
	Tee TEMP; \
	I64Const $3; \
	I64ShrU; \
	I64Sub; \
	Tee in; \
	I32WrapI64; \
	I64Load $0; \
	I64Const $1; \
	I64Or; \
	Get TEMP; \
	I64Const $7; \
	I64And; \
	I64Shl; \
	Set bits; \
	Get out; \
	I64Const $const_symbols; \
	I64Add; \
	Set out

// func decode(s *state, n uint)
TEXT ·decode(SB), NOSPLIT, $0-16
	MOVD s+0(FP), TEMP
	MOVD n+8(FP), TIMES
	LOAD(0, R0, R4)
	LOAD(1, R1, R5)
	LOAD(2, R2, R6)
	LOAD(3, R3, R7)
	MOVD state_table(TEMP), TABLE
	MOVD state_shift(TEMP), SHIFT
	MOVD state_every(TEMP), R11
	MOVD state_out(TEMP), R8
	AFTER(R8, R9)
	AFTER(R9, R10)
	AFTER(R10, R11)
	Loop
		SYMBOLS(0)
		SYMBOLS(1)
		SYMBOLS(2)
		SYMBOLS(3)
		SYMBOLS(4)
		NEXT(R0, R4, R8)
		NEXT(R1, R5, R9)
		NEXT(R2, R6, R10)
		NEXT(R3, R7, R11)
		Get TIMES
		I64Const $1
		I64Sub
		Tee TIMES
		I64Eqz
		I32Eqz
		BrIf $0
	End
	MOVD s+0(FP), TEMP
	STORE(0, R0, R4)
	STORE(1, R1, R5)
	STORE(2, R2, R6)
	STORE(3, R3, R7)
	RET
