package events

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// The functions below append one JSON value; by hand, because the load generator has to
// be faster than what it loads. A key, where they take one, has its comma and colon.

// appendString appends s in quotes as serde_json does: no more is escaped than must be.
func appendString(b []byte, s string) []byte { return appendQuoted(b, s, false) }

// appendWeb appends s in quotes as Go's encoding/json did in the days of ChirpStack v3:
// what could mean something to a browser is escaped too, and of the control characters
// only three have letters.
func appendWeb(b []byte, s string) []byte { return appendQuoted(b, s, true) }

// appendQuoted appends s in quotes. What is not UTF-8 becomes the replacement character.
func appendQuoted(b []byte, s string, web bool) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c, n := s[i], 1
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); n > 1 && (!web || r&^1 != '\u2028') {
				i += n
				continue
			}
			b = append(b, s[from:i]...)
			if web {
				b = appendEscape(b, r)
			} else {
				b = append(b, "\uFFFD"...)
			}
		case c < ' ' || c == '"' || c == '\\' || web && (c == '<' || c == '>' || c == '&'):
			b = append(b, s[from:i]...)
			if letter := letterOf(c, web); letter != 0 {
				b = append(b, '\\', letter)
			} else {
				b = appendEscape(b, rune(c))
			}
		default:
			i++
			continue
		}
		i += n
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

func appendEscape(b []byte, r rune) []byte {
	return hex.AppendEncode(append(b, `\u`...), []byte{byte(r >> 8), byte(r)})
}

// letterOf gives what follows the backslash in the short form of an escape, 0 where
// there is none.
func letterOf(c byte, web bool) byte {
	switch c {
	case '"', '\\':
		return c
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\b':
		if !web {
			return 'b'
		}
	case '\f':
		if !web {
			return 'f'
		}
	}
	return 0
}

func appendBase64(b, data []byte) []byte {
	b = base64.StdEncoding.AppendEncode(append(b, '"'), data)
	return append(b, '"')
}

func appendHex(b, data []byte) []byte {
	return append(hex.AppendEncode(append(b, '"'), data), '"')
}

func appendHex32(b []byte, n uint32) []byte {
	return appendHex(b, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// appendUpper appends hex digits as The Things Stack writes them.
func appendUpper(b, data []byte) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, '"')
	for _, c := range data {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return append(b, '"')
}

func appendUint(b []byte, key string, n uint64) []byte {
	return strconv.AppendUint(append(b, key...), n, 10)
}

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(b, key...), n, 10)
}

func appendBool(b []byte, key string, v bool) []byte {
	return strconv.AppendBool(append(b, key...), v)
}

// appendNumber appends the fewest digits that mean f, as Go writes numbers of a size that
// occurs here.
func appendNumber(b []byte, f float64, bits int) []byte {
	return strconv.AppendFloat(b, f, 'f', -1, bits)
}

// appendRust does the same and always gives it a fraction.
func appendRust(b []byte, f float64, bits int) []byte {
	from := len(b)
	b = appendNumber(b, f, bits)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}
