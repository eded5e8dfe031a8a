// SPDX-License-Identifier: BSD-2-Clause
#include "message.h"

const char *message_end_name(enum message_end end)
{
	switch (end) {
	case MESSAGE_COMPLETE:
		return "complete";
	case MESSAGE_END_GAP:
		return "gap";
	case MESSAGE_END_CLOSED:
		return "closed";
	case MESSAGE_END_INVALID:
		return "invalid";
	case MESSAGE_END_LIMIT:
		return "limit";
	}
	return "invalid";
}
