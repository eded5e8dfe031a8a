// SPDX-License-Identifier: BSD-2-Clause
/* Accessor functions as compilers write them, and as they would have to be refused. */
#include <stdio.h>
#include <string.h>

#include "code_image.h"
#include "discover/accessors.h"
#include "tap.h"

enum { FUNCTION_MAX = 4, COPY_STUB = 0xd, NEXT_STUB = 0xe, OTHER_STUB = 0xf };

struct function {
	enum accessor which;
	const char *code; /* hexadecimal, see code_image.h; NULL: no more */
};

struct row {
	const char *what;
	struct function functions[FUNCTION_MAX];
	enum tls_field field;
	const char *want; /* "0x10", "0x918 0x2f8", or a part of the reason */
};

#define RBIO(code)                          \
	{                                   \
		ACCESSOR_SSL_GET_RBIO, code \
	}
#define SET_RBIO(code)                       \
	{                                    \
		ACCESSOR_SSL_SET0_RBIO, code \
	}
#define WBIO(code)                          \
	{                                   \
		ACCESSOR_SSL_GET_WBIO, code \
	}
#define RETRY                                              \
	{                                                  \
		ACCESSOR_BIO_GET_RETRY_REASON, "8b4734 c3" \
	}
#define DUP(code)                            \
	{                                    \
		ACCESSOR_BIO_DUP_CHAIN, code \
	}
#define CIPHER                                                                                  \
	{                                                                                       \
		ACCESSOR_SSL_GET_CURRENT_CIPHER, "488b8718090000 4885c0 7407 488b80f8020000 c3" \
	}
#define NAME(code)                                \
	{                                         \
		ACCESSOR_SSL_GET_SERVERNAME, code \
	}
/* The same behind a test of the type: cmp dword [rdi],0; jne 1f; … 1: xor eax,eax; ret */
#define TYPED_CIPHER                                                                       \
	{                                                                                  \
		ACCESSOR_SSL_GET_CURRENT_CIPHER,                                           \
			"833f00 7514 488b8718090000 4885c0 740a 488b80f8020000 c3 31c0 c3" \
	}
#define ALPN(code)                                    \
	{                                             \
		ACCESSOR_SSL_GET0_ALPN_SELECTED, code \
	}
#define RANDOM(code)                                 \
	{                                            \
		ACCESSOR_SSL_GET_CLIENT_RANDOM, code \
	}
/* test rdi,rdi; je 1f; mov eax,[rdi]; test eax,eax; jne 1f; mov rax,[rdi+0x50]; ret; 1: xor
 * eax,eax; ret */
#define TYPED "4885ff 740b 8b07 85c0 7505 488b4750 c3 31c0 c3"

static const struct row x86_rows[] = {
	{ "a load", { RBIO("488b4710 c3") }, TLS_FIELD_RBIO, "0x10" },
	{ "behind a landing pad", { RBIO("f30f1efa 488b4710 31ff c3") }, TLS_FIELD_RBIO, "0x10" },
	{ "a large distance", { RBIO("488b8710050000 c3") }, TLS_FIELD_RBIO, "0x510" },
	{ "a test for the object",
	  { RBIO("4885ff 7405 488b4710 c3 31c0 c3") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	{ "a copy of the object", { RBIO("53 4889fb 488b4310 5b c3") }, TLS_FIELD_RBIO, "0x10" },
	{ "a test of the type", { RBIO(TYPED) }, TLS_FIELD_RBIO, "0x50 if 0x0 is 0" },
	/* cmp dword [rdi+4],3 */
	{ "a type that is not 0",
	  { RBIO("837f0403 7505 488b4750 c3 31c0 c3") },
	  TLS_FIELD_RBIO,
	  "0x50 if 0x4 is 3" },
	/* test byte [rdi],0x80: other types take the other way, which is not understood. */
	{ "another type's way",
	  { RBIO("8b07 85c0 7407 a880 7508 31c0 c3 488b4750 c3 e8@f c3") },
	  TLS_FIELD_RBIO,
	  "0x50 if 0x0 is 0" },
	{ "the other type's way is taken by plain ones, too",
	  { RBIO("8b07 85c0 7407 a880 7405 31c0 c3 488b4750 c3 e8@f c3") },
	  TLS_FIELD_RBIO,
	  "0x50 if 0x0 is 0" },
	{ "a way that plain ones may take",
	  { RBIO("8b07 85c0 7509 85f6 7508 488b4750 c3 31c0 c3 e8@f c3") },
	  TLS_FIELD_RBIO,
	  "returns something else" },
	{ "a setter that agrees",
	  { RBIO("488b4710 c3"), SET_RBIO("48897710 c3") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	{ "a setter that calls first",
	  { RBIO("488b4710 c3"),
	    SET_RBIO("55 53 4889f5 4889fb 4883ec08 488b7f10 e8@f 48896b10 4883c408 5b 5d c3") },
	  TLS_FIELD_RBIO,
	  "0x10" },

	{ "a setter that keeps its argument in the frame",
	  { RBIO("488b4710 c3"),
	    SET_RBIO("53 4889fb 4883ec10 4889742408 e8@f 488b742408 48897310 4883c410 5b c3") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	{ "a setter that pushes its argument",
	  { RBIO("488b4710 c3"), SET_RBIO("53 56 4889fb e8@f 5e 48897310 5b c3") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	{ "an object kept in the frame",
	  { RBIO("4883ec18 48897c2408 e8@f 488b442408 488b4010 4883c418 c3") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	{ "kept below what is pushed",
	  { RBIO("4883ec18 48897c2408 56 488b442410 488b4010 4883c420 c3") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	{ "changed there",
	  { RBIO("4883ec18 48897c2408 c744240c00000000 488b442408 488b4010 4883c418 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "changed there by an index",
	  { RBIO("4883ec18 48897c2408 c604f400 488b442408 488b4010 4883c418 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "known to another function",
	  { RBIO("4883ec18 48897c2408 488d7c2408 e8@f 488b442408 488b4010 4883c418 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "half of what is kept",
	  { RBIO("4883ec18 48897c2408 8b442408 488b4010 4883c418 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "another place in the frame",
	  { RBIO("4883ec18 48897c2408 4883ec08 488b442408 488b4010 4883c420 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },

	{ "no field", { RBIO("31c0 c3") }, TLS_FIELD_RBIO, "SSL_get_rbio returns no field" },
	{ "a call's result",
	  { RBIO("4883ec08 e8@f 4883c408 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "an object lost in a call",
	  { RBIO("4883ec08 4889f9 e8@f 488b4110 4883c408 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "two fields",
	  { RBIO("85f6 7405 488b4708 c3 488b4710 c3") },
	  TLS_FIELD_RBIO,
	  "returns one field or another" },
	{ "a field or nothing",
	  { RBIO("85f6 7405 488b4710 c3 31c0 c3") },
	  TLS_FIELD_RBIO,
	  "returns something else" },
	{ "the same by another field",
	  { RBIO("488b4f08 4885c9 7405 488b4710 c3 31c0 c3") },
	  TLS_FIELD_RBIO,
	  "returns something else" },
	{ "on a condition",
	  { RBIO("31c0 85f6 480f444710 c3") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "four bytes", { RBIO("8b4710 c3") }, TLS_FIELD_RBIO, "returns 4 bytes, not 8" },
	{ "two bytes", { RBIO("0fb74710 c3") }, TLS_FIELD_RBIO, "returns no field" },
	{ "one pointer more",
	  { RBIO("488b4710 488b00 c3") },
	  TLS_FIELD_RBIO,
	  "follows one more pointer" },
	{ "before the object", { RBIO("488b47f8 c3") }, TLS_FIELD_RBIO, "returns no field" },
	{ "far away", { RBIO("488b8700000100 c3") }, TLS_FIELD_RBIO, "returns no field" },
	{ "argument 1's field", { RBIO("488b4610 c3") }, TLS_FIELD_RBIO, "returns no field" },
	{ "an index", { RBIO("488b44f710 c3") }, TLS_FIELD_RBIO, "returns no field" },
	{ "what it wrote itself",
	  { RBIO("48c7471000000000 488b4710 c3") },
	  TLS_FIELD_RBIO,
	  "changes something" },
	{ "a write elsewhere",
	  { RBIO("488b4f20 c60100 488b4710 c3") },
	  TLS_FIELD_RBIO,
	  "changes something" },
	{ "half of a pointer", { RBIO("488b4710 89c0 c3") }, TLS_FIELD_RBIO, "returns 4 bytes" },
	{ "a loop", { RBIO("ebfe") }, TLS_FIELD_RBIO, "too long, or has a loop" },
	{ "no end", { RBIO("90") }, TLS_FIELD_RBIO, "runs past its end" },
	{ "no instruction", { RBIO("06") }, TLS_FIELD_RBIO, "not understood" },
	{ "a trap", { RBIO("0f0b") }, TLS_FIELD_RBIO, "returns no field" },
	{ "two types",
	  { RBIO("8b07 85c0 750a 8b4f04 85c9 7505 488b4750 c3 31c0 c3") },
	  TLS_FIELD_RBIO,
	  "tests two things" },
	{ "a setter of another place",
	  { RBIO("488b4710 c3"), SET_RBIO("48897718 c3") },
	  TLS_FIELD_RBIO,
	  "SSL_set0_rbio stores at 0x18 what SSL_get_rbio loads at 0x10" },
	{ "a setter of another size",
	  { RBIO("488b4710 c3"), SET_RBIO("897710 c3") },
	  TLS_FIELD_RBIO,
	  "SSL_set0_rbio stores at 0x10" },
	{ "a setter that sets nothing",
	  { RBIO("488b4710 c3"), SET_RBIO("c3") },
	  TLS_FIELD_RBIO,
	  "is not seen to store" },
	{ "nothing was read", { WBIO("c3") }, TLS_FIELD_RBIO, "SSL_get_rbio is in no file" },

	{ "types that differ",
	  { RBIO(TYPED), { ACCESSOR_SSL_VERSION, "8b4748 c3" } },
	  TLS_FIELD_VERSION,
	  "type in a way of its own" },
	{ "types that agree",
	  { RBIO(TYPED), { ACCESSOR_SSL_VERSION, "8b07 85c0 7504 8b4748 c3 31c0 c3" } },
	  TLS_FIELD_VERSION,
	  "0x48 if 0x0 is 0" },
	{ "a type of a BIO",
	  { { ACCESSOR_BIO_GET_INIT, "8b07 85c0 7504 8b4728 c3 31c0 c3" } },
	  TLS_FIELD_BIO_INIT,
	  "tests what the object is" },

	{ "the buffer's next",
	  { WBIO("488b4720 4885c0 7505 488b4718 c3 4889c7 e9@e") },
	  TLS_FIELD_WBIO,
	  "0x18" },
	{ "the same by a call",
	  { WBIO("4883ec08 488b4720 4885c0 7509 488b4718 4883c408 c3 4889c7 e8@e 4883c408 c3") },
	  TLS_FIELD_WBIO,
	  "0x18" },
	{ "another function's result",
	  { WBIO("488b4720 4885c0 7505 488b4718 c3 4889c7 e9@f") },
	  TLS_FIELD_WBIO,
	  "returns something else" },
	{ "the next of what may be there",
	  { WBIO("488b4720 85f6 7505 488b4718 c3 4889c7 e9@e") },
	  TLS_FIELD_WBIO,
	  "returns something else" },

	{ "a cipher in the session", { CIPHER }, TLS_FIELD_CIPHER, "0x918 0x2f8" },
	{ "the session confirms it",
	  { CIPHER,
	    { ACCESSOR_SSL_GET_SESSION, "488b8718090000 c3" },
	    { ACCESSOR_SSL_SESSION_GET0_CIPHER, "488b87f8020000 c3" } },
	  TLS_FIELD_CIPHER,
	  "0x918 0x2f8" },
	{ "another session",
	  { CIPHER, { ACCESSOR_SSL_GET_SESSION, "488b8710090000 c3" } },
	  TLS_FIELD_CIPHER,
	  "SSL_get_session loads 0x910, not 0x918" },
	{ "another place in it",
	  { CIPHER, { ACCESSOR_SSL_SESSION_GET0_CIPHER, "488b87f0020000 c3" } },
	  TLS_FIELD_CIPHER,
	  "loads 0x2f0, not 0x2f8" },
	{ "a session that is not understood",
	  { CIPHER, { ACCESSOR_SSL_GET_SESSION, "31c0 c3" } },
	  TLS_FIELD_CIPHER,
	  "SSL_get_session does not confirm" },

	/* test esi,esi; je 1f; mov rax,[rdi+0x40]; ret; 1: mov rax,[rdi+0x918]; test rax,rax; je
	 * 2f; mov rax,[rax+0x330]; 2: ret */
	{ "a name, or the session's",
	  { CIPHER, NAME("85f6 7405 488b4740 c3 488b8718090000 4885c0 7407 488b8030030000 c3") },
	  TLS_FIELD_SERVER_NAME,
	  "0x40" },
	{ "the type is as elsewhere",
	  { RBIO(TYPED), TYPED_CIPHER, NAME("833f00 7505 488b4740 c3 e8@f c3") },
	  TLS_FIELD_SERVER_NAME,
	  "0x40 if 0x0 is 0" },
	{ "the session's only",
	  { CIPHER, NAME("488b8718090000 488b8030030000 c3") },
	  TLS_FIELD_SERVER_NAME,
	  "returns no field" },
	{ "two names of the connection",
	  { CIPHER, NAME("85f6 7405 488b4740 c3 488b4748 c3") },
	  TLS_FIELD_SERVER_NAME,
	  "returns one field or another" },
	{ "a name behind another pointer",
	  { CIPHER, NAME("85f6 7405 488b4740 c3 488b4708 488b4010 c3") },
	  TLS_FIELD_SERVER_NAME,
	  "returns one field or another" },
	{ "a name from a call",
	  { CIPHER, NAME("85f6 7405 488b4740 c3 e8@f c3") },
	  TLS_FIELD_SERVER_NAME,
	  "returns something else" },
	{ "no session", { NAME("488b4740 c3") }, TLS_FIELD_SERVER_NAME, "is not asked" },

	/* mov rax,[rdi+0x48]; xor ecx,ecx; mov [rsi],rax; test rax,rax; je 1f; mov ecx,[rdi+0x50];
	   1: mov [rdx],ecx; ret */
	{ "ALPN",
	  { ALPN("488b4748 31c9 488906 4885c0 7403 8b4f50 890a c3") },
	  TLS_FIELD_ALPN,
	  "0x48" },
	{ "its length",
	  { ALPN("488b4748 31c9 488906 4885c0 7403 8b4f50 890a c3") },
	  TLS_FIELD_ALPN_LEN,
	  "0x50" },
	{ "a length that may be another",
	  { ALPN("488b4748 31c9 488906 85c0 7403 8b4f50 890a c3") },
	  TLS_FIELD_ALPN_LEN,
	  "returns something else" },
	{ "stored nowhere", { ALPN("488b4748 c3") }, TLS_FIELD_ALPN, "returns no field" },

	{ "a method's type",
	  { { ACCESSOR_BIO_METHOD_TYPE, "488b4708 8b00 c3" } },
	  TLS_FIELD_BIO_TYPE,
	  "0x8 0x0" },
	{ "a method's type without method",
	  { { ACCESSOR_BIO_METHOD_TYPE, "8b4708 c3" } },
	  TLS_FIELD_BIO_TYPE,
	  "follows one less" },
	{ "a method's name elsewhere",
	  { { ACCESSOR_BIO_METHOD_TYPE, "488b4708 8b00 c3" },
	    { ACCESSOR_BIO_METHOD_NAME, "488b4710 488b4008 c3" } },
	  TLS_FIELD_BIO_TYPE,
	  "BIO_method_name loads 0x10, not 0x8" },

	/* mov eax,[rbp+0x38]; mov [rbx+0x38],eax */
	{ "the descriptor", { RETRY, DUP("8b4538 894338 c3") }, TLS_FIELD_BIO_NUM, "0x38" },
	{ "among other fields",
	  { RETRY, DUP("8b4530 894330 8b4538 8b4d28 894338 894b28 c3") },
	  TLS_FIELD_BIO_NUM,
	  "0x38" },
	{ "no copy at all", { RETRY }, TLS_FIELD_BIO_NUM, "BIO_dup_chain is not exported" },
	{ "not copied", { RETRY, DUP("c3") }, TLS_FIELD_BIO_NUM, "does not copy 0x38" },
	{ "something else is copied",
	  { RETRY, DUP("8b453c 89433c 8b4538 894338 c3") },
	  TLS_FIELD_BIO_NUM,
	  "copies 0x3c, not 0x38" },
	{ "the retry reason is copied",
	  { RETRY, DUP("8b4534 894334 8b4538 894338 c3") },
	  TLS_FIELD_BIO_NUM,
	  "copies 0x34, not 0x38" },
	{ "back to the same object",
	  { RETRY, DUP("8b4338 894338 c3") },
	  TLS_FIELD_BIO_NUM,
	  "does not copy" },
	{ "to another place",
	  { RETRY, DUP("8b4538 894340 c3") },
	  TLS_FIELD_BIO_NUM,
	  "does not copy" },
	{ "eight bytes",
	  { RETRY, DUP("488b4538 48894338 c3") },
	  TLS_FIELD_BIO_NUM,
	  "does not copy" },
	{ "changed on the way",
	  { RETRY, DUP("8b4538 31c0 894338 c3") },
	  TLS_FIELD_BIO_NUM,
	  "does not copy" },
	{ "another object meanwhile",
	  { RETRY, DUP("8b4538 4889f5 894338 c3") },
	  TLS_FIELD_BIO_NUM,
	  "does not copy" },
	{ "a call between",
	  { RETRY, DUP("8b4538 e8@f 894338 c3") },
	  TLS_FIELD_BIO_NUM,
	  "does not copy" },

	/* lea rax,[rdi+0x160]; mov rdi,rsi; mov rsi,rax; call memcpy; mov eax,32; ret */
	{ "a copy by memcpy",
	  { RANDOM("488d8760010000 4889f7 4889c6 e8@d b820000000 c3") },
	  TLS_FIELD_CLIENT_RANDOM,
	  "0x160" },
	/* mov rax,[rdi+0xa8]; add rax,0xb8; … */
	{ "a copy from behind a pointer",
	  { RANDOM("488b87a8000000 4805b8000000 4889f7 4889c6 e8@d b820000000 c3") },
	  TLS_FIELD_CLIENT_RANDOM,
	  "0xa8 0xb8" },
	/* test edx,edx; je 1f; cmp edx,8; jb 2f; mov rax,[rdi+0x160]; mov [rsi],rax;
	 * 3: mov [rsi+rdx],rax; dec edx; jb 3b; 1: ret; 2: mov eax,[rdi+0x160]; mov [rsi],eax; ret
	 */
	{ "a copy in pieces, with a loop",
	  { RANDOM(
		  "85d2 7415 83fa08 7211 488b8760010000 488906 48890416 ffca 72f8 c3 8b8760010000 8906 c3") },
	  TLS_FIELD_CLIENT_RANDOM,
	  "0x160" },
	/* … and from elsewhere when it is short */
	{ "a copy of one or another",
	  { RANDOM("83fa08 720b 488b8760010000 488906 c3 8b8768010000 8906 c3") },
	  TLS_FIELD_CLIENT_RANDOM,
	  "one field or another" },
	{ "a copy behind a test of the type",
	  { RANDOM("833f00 7515 488d8788010000 4889f7 4889c6 e8@d b820000000 c3 31c0 c3") },
	  TLS_FIELD_CLIENT_RANDOM,
	  "0x188 if 0x0 is 0" },
	{ "a copy by another function",
	  { RANDOM("488d8760010000 4889f7 4889c6 e8@f b820000000 c3") },
	  TLS_FIELD_CLIENT_RANDOM,
	  "copies no field" },
	{ "a copy to elsewhere",
	  { RANDOM("488d8760010000 488d7e08 4889c6 e8@d b820000000 c3") },
	  TLS_FIELD_CLIENT_RANDOM,
	  "copies no field" },
	{ "memcpy is not followed for other fields",
	  { ALPN("488d8760010000 4889f7 4889c6 e8@d c3") },
	  TLS_FIELD_ALPN,
	  "returns no field" },
};

static const struct row arm64_rows[] = {
	/* ldr x0,[x0,#16]; ret */
	{ "a load", { RBIO("000840f9 c0035fd6") }, TLS_FIELD_RBIO, "0x10" },
	/* bti c; cbz x0,1f; ldr w1,[x0]; cbnz w1,1f; ldr x0,[x0,#80]; ret; 1: mov x0,#0; ret */
	{ "a test of the type",
	  { RBIO("5f2403d5 a00000b4 010040b9 61000035 002840f9 c0035fd6 000080d2 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "0x50 if 0x0 is 0" },
	/* stp x29,x30,[sp,#-32]!; mov x29,sp; str x19,[sp,#16]; mov x19,x0; bl other; ldr
	 * x0,[x19,#80]; ldr x19,[sp,#16]; ldp x29,x30,[sp],#32; ret */
	{ "a frame, and a call",
	  { RBIO("fd7bbea9 fd030091 f30b00f9 f30300aa 00000094 602a40f9 f30b40f9 fd7bc2a8 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "0x50" },
	/* … the same without keeping the object */
	{ "an object lost in a call",
	  { RBIO("fd7bbea9 fd030091 00000094 002840f9 fd7bc2a8 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	/* mov x8,x0; str x1,[x8,#16]: as a setter */
	{ "a setter",
	  { RBIO("000840f9 c0035fd6"), SET_RBIO("e80300aa 010900f9 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	{ "a setter of another place",
	  { RBIO("000840f9 c0035fd6"), SET_RBIO("010c00f9 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "stores at 0x18" },
	/* tbz w1,#0,1f; ldr x0,[x0,#16]; ret; 1: ldr x0,[x0,#8]; ret */
	{ "two fields",
	  { RBIO("61000036 000840f9 c0035fd6 000440f9 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "one field or another" },
	/* sub sp,sp,#32; str x0,[sp,#8]; str q0,[sp]; ldr x0,[sp,#8]; ldr x0,[x0,#16]; add
	   sp,sp,#32 */
	{ "overwritten in the frame",
	  { RBIO("ff8300d1 e00700f9 e003803d e00740f9 000840f9 ff830091 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	{ "kept in the frame",
	  { RBIO("ff8300d1 e00700f9 e007803d e00740f9 000840f9 ff830091 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "0x10" },
	/* sub sp,sp,x1 */
	{ "a frame that moves",
	  { RBIO("ff8300d1 e00700f9 ff6321cb e00740f9 000840f9 ff830091 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "returns no field" },
	/* ldr w0,[x0,#16] */
	{ "four bytes", { RBIO("001040b9 c0035fd6") }, TLS_FIELD_RBIO, "returns 4 bytes" },
	/* ldrh w0,[x0,#16] */
	{ "two bytes", { RBIO("00204079 c0035fd6") }, TLS_FIELD_RBIO, "returns no field" },
	/* str wzr,[x0,#16]; ldr x0,[x0,#16] */
	{ "what it wrote itself",
	  { RBIO("1f1000b9 000840f9 c0035fd6") },
	  TLS_FIELD_RBIO,
	  "changes something" },
	/* b . */
	{ "a loop", { RBIO("00000014") }, TLS_FIELD_RBIO, "too long, or has a loop" },
	{ "no instruction", { RBIO("00000000") }, TLS_FIELD_RBIO, "not understood" },
	/* br x1 */
	{ "a computed jump", { RBIO("20001fd6") }, TLS_FIELD_RBIO, "returns no field" },
	/* ldr x3,[x0,#168]; str xzr,[x1]; cbz x3,1f; ldr x0,[x3,#992]; str x0,[x1]; cbz x0,1f;
	 * ldr w0,[x3,#1000]; str w0,[x2]; ret; 1: str wzr,[x2]; ret */
	{ "ALPN behind a pointer",
	  { ALPN("035440f9 3f0000f9 e30000b4 60f041f9 200000f9 800000b4 60e843b9 400000b9 c0035fd6 5f0000b9 c0035fd6") },
	  TLS_FIELD_ALPN,
	  "0xa8 0x3e0" },
	{ "its length",
	  { ALPN("035440f9 3f0000f9 e30000b4 60f041f9 200000f9 800000b4 60e843b9 400000b9 c0035fd6 5f0000b9 c0035fd6") },
	  TLS_FIELD_ALPN_LEN,
	  "0xa8 0x3e8" },
	/* ldr w0,[x0,#52]; ret.  ldp w7,w6,[x20,#48]; ldr w4,[x20,#56]; stp w7,w6,[x19,#48]: 0x34,
	   too */
	{ "the descriptor",
	  { { ACCESSOR_BIO_GET_RETRY_REASON, "003440b9 c0035fd6" },
	    DUP("843a40b9 643a00b9 c0035fd6") },
	  TLS_FIELD_BIO_NUM,
	  "0x38" },
	{ "the retry reason is copied",
	  { { ACCESSOR_BIO_GET_RETRY_REASON, "003440b9 c0035fd6" },
	    DUP("871a4629 671a0629 843a40b9 643a00b9 c0035fd6") },
	  TLS_FIELD_BIO_NUM,
	  "copies 0x34" },
};

static struct code_image image;

static void read_row(const struct row *row, enum code_machine machine, struct tls_layout *ret)
{
	struct accessor_function functions[ACCESSOR_CNT] = { 0 };
	struct code_source source;
	struct code *code;

	code_image_init(&image);
	code_image_put_stub(&image, COPY_STUB, IMPORT_MEMCPY);
	code_image_put_stub(&image, NEXT_STUB, IMPORT_BIO_NEXT);
	code_image_put_stub(&image, OTHER_STUB, IMPORT_ERR_NEW);
	for (unsigned i = 0; i < FUNCTION_MAX && row->functions[i].code; i++) {
		code_image_put(&image, i, row->functions[i].code);
		functions[row->functions[i].which] =
			(struct accessor_function){ code_image_vaddr(i), image.sizes[i] };
	}
	source = code_image_source(&image);
	source.machine = machine;
	accessors_init(ret);
	if (!OK(code_open(&source, &code) == 0))
		return;
	accessors_read(code, functions, ret);
	code_close(code);
}

static void check_row(const struct row *row, enum code_machine machine)
{
	const struct tls_place *p;
	struct tls_layout layout;
	char got[160] = "";
	size_t len = 0;

	read_row(row, machine, &layout);
	p = &layout.places[row->field];
	for (unsigned i = 0; i < p->step_cnt; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s0x%x", i ? " " : "",
					p->steps[i]);
	if (p->step_cnt && layout.has_type)
		snprintf(got + len, sizeof(got) - len, " if 0x%x is %u", layout.type_offset,
			 (unsigned)layout.type_value);
	if (p->step_cnt)
		OK_MSG(!strcmp(got, row->want) && !p->reason[0], "%s: %s is %s", row->what, got,
		       row->want);
	else
		OK_MSG(strstr(p->reason, row->want) != NULL, "%s: \"%s\" has \"%s\"", row->what,
		       p->reason, row->want);
}

static void test_x86(void)
{
	for (size_t i = 0; i < sizeof(x86_rows) / sizeof(x86_rows[0]); i++)
		check_row(&x86_rows[i], CODE_X86_64);
}

static void test_arm64(void)
{
	for (size_t i = 0; i < sizeof(arm64_rows) / sizeof(arm64_rows[0]); i++)
		check_row(&arm64_rows[i], CODE_ARM64);
}

static void test_names(void)
{
	for (unsigned i = 0; i < ACCESSOR_CNT; i++)
		OK(strlen(accessor_name(i)) > 4);
	for (unsigned i = 0; i < TLS_FIELD_CNT; i++)
		OK(strlen(tls_field_name(i)) > 3);
	C_STR_EQ(tls_field_name(TLS_FIELD_CNT), "?");
}

int main(void)
{
	RUN(test_x86);
	RUN(test_arm64);
	RUN(test_names);
	return tap_done();
}
