package sensorthings

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// mistake is what is wrong with an option, and where in it, counted from 1 in bytes.
type mistake struct {
	option string
	at     int
	what   string
}

func (m *mistake) Error() string {
	return fmt.Sprintf("%s: position %d: %s", m.option, m.at+1, m.what)
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenLiteral
	tokenSign // one of / ( ) , ; = : * and -
)

type token struct {
	kind  tokenKind
	at    int
	text  string // of a name or a sign
	value any    // of a literal
}

// scanner reads the text of one option token by token, one ahead.
type scanner struct {
	option  string
	src     string
	pos     int
	next    token
	depth   int  // of brackets
	nodes   int  // of expressions
	clauses *int // of $expand, of the whole request
}

// scan begins with an option's decoded text.
func scan(option, src string) (*scanner, error) {
	s := &scanner{option: option, src: src}
	if !utf8.ValidString(src) {
		return nil, s.wrong(0, "the text is not UTF-8")
	}
	return s, s.advance()
}

func (s *scanner) wrong(at int, format string, args ...any) error {
	return &mistake{s.option, at, fmt.Sprintf(format, args...)}
}

var (
	instantPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+ -]\d{2}:?\d{2})?`)
	dayPattern     = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)
	clockPattern   = regexp.MustCompile(`^\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?`)
	numberPattern  = regexp.MustCompile(`^\d+(\.\d+)?([eE][+-]?\d+)?`)
)

// advance reads the next token.
func (s *scanner) advance() error {
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) >= 0 {
		s.pos++
	}
	at := s.pos
	if at == len(s.src) {
		s.next = token{kind: tokenEnd, at: at}
		return nil
	}
	c, size := utf8.DecodeRuneInString(s.src[at:])
	switch {
	case c == '\'':
		return s.quoted(at)
	case c >= '0' && c <= '9':
		return s.digits(at)
	case c == '_' || c == '@' || c == '$' || unicode.IsLetter(c):
		return s.name(at)
	case strings.ContainsRune("/(),;=:*-", c):
		s.pos += size
		s.next = token{kind: tokenSign, at: at, text: s.src[at:s.pos]}
		return nil
	}
	return s.wrong(at, "%q is not expected here", c)
}

// quoted reads a string; a quote in it is written twice.
func (s *scanner) quoted(at int) error {
	var b strings.Builder
	for i := at + 1; i < len(s.src); i++ {
		if s.src[i] != '\'' {
			b.WriteByte(s.src[i])
			continue
		}
		if i+1 < len(s.src) && s.src[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		s.pos = i + 1
		s.next = token{kind: tokenLiteral, at: at, value: b.String()}
		return nil
	}
	return s.wrong(at, "the string that begins here has no end: a quote ' is missing")
}

func (s *scanner) name(at int) error {
	for s.pos < len(s.src) {
		c, size := utf8.DecodeRuneInString(s.src[s.pos:])
		if c != '_' && c != '@' && c != '.' && c != '$' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			break
		}
		s.pos += size
	}
	name := s.src[at:s.pos]
	s.next = token{kind: tokenName, at: at, text: name}
	if s.pos < len(s.src) && s.src[s.pos] == '\'' && (name == "geography" || name == "geometry" || name == "duration") {
		if err := s.quoted(s.pos); err != nil {
			return err
		}
		inner, _ := s.next.value.(string)
		s.next.at = at
		var err error
		if name == "duration" {
			s.next.value, err = parseDuration(inner)
		} else {
			s.next.value, err = parseWKT(inner)
		}
		if err != nil {
			return s.wrong(at, "%v", err)
		}
	}
	return nil
}

// digits reads a number, a time, an interval, a date or a time of day.
func (s *scanner) digits(at int) error {
	rest := s.src[at:]
	if m := instantPattern.FindString(rest); m != "" {
		from, err := s.instant(at, m)
		if err != nil {
			return err
		}
		s.pos = at + len(m)
		s.next = token{kind: tokenLiteral, at: at, value: from}
		if strings.HasPrefix(rest[len(m):], "/") {
			second := instantPattern.FindString(rest[len(m)+1:])
			if second == "" {
				return s.wrong(s.pos, "an interval needs a second time after the /")
			}
			to, err := s.instant(s.pos+1, second)
			if err != nil {
				return err
			}
			if to.Before(from) {
				return s.wrong(at, "the interval ends before it begins")
			}
			s.pos += 1 + len(second)
			s.next.value = interval{from, to}
		}
		return nil
	}
	if m := dayPattern.FindString(rest); m != "" {
		if t, err := time.Parse(time.DateOnly, m); err != nil || !possible(t) {
			return s.wrong(at, "%s is no date", m)
		}
		s.pos = at + len(m)
		s.next = token{kind: tokenLiteral, at: at, value: day(m)}
		return nil
	}
	if m := clockPattern.FindString(rest); m != "" {
		full := m
		if len(m) == len("15:04") {
			full += ":00"
		}
		t, err := time.Parse("15:04:05.999999999", full)
		if err != nil {
			return s.wrong(at, "%s is no time of day", m)
		}
		s.pos = at + len(m)
		s.next = token{kind: tokenLiteral, at: at, value: clockTime(t.Format(clockFormat))}
		return nil
	}
	m := numberPattern.FindString(rest)
	n, err := strconv.ParseFloat(m, 64)
	if err != nil {
		return s.wrong(at, "%.40s is too large a number", m)
	}
	s.pos = at + len(m)
	if c, _ := utf8.DecodeRuneInString(s.src[s.pos:]); c == '_' || s.pos < len(s.src) && unicode.IsLetter(c) {
		return s.wrong(at, "%.40q is neither a number nor a name", rest)
	}
	s.next = token{kind: tokenLiteral, at: at, value: n}
	return nil
}

func (s *scanner) instant(at int, m string) (time.Time, error) {
	// A plus sign that was not written as %2B has become a blank.
	t, ok := parseInstant(strings.Replace(m, " ", "+", 1))
	if !ok {
		return t, s.wrong(at, "%s is no time like 2026-11-22T07:30:00Z", m)
	}
	return t, nil
}

// sign tells whether the next token is a sign.
func (s *scanner) sign(text string) bool { return s.next.kind == tokenSign && s.next.text == text }

// word tells whether the next token is a name.
func (s *scanner) word(text string) bool { return s.next.kind == tokenName && s.next.text == text }

// expect goes past a sign.
func (s *scanner) expect(text string) error {
	if !s.sign(text) {
		return s.wrong(s.next.at, "want %s, got %s", text, s.next)
	}
	return s.advance()
}

func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenLiteral:
		if v, ok := text(t.value); ok {
			return fmt.Sprintf("%.40q", v)
		}
		return "a literal"
	}
	return fmt.Sprintf("%.40q", t.text)
}
