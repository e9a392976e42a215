package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"time"

	"meldefunk/city/visitor"
)

// tokensHeader is the first line of a file of tokens.
const tokensHeader = "id;name;scopes;made;expires;sha256"

// Token is what a program brings. Only its SHA-256 is kept: it has 256 random bits, so nothing
// slower is needed.
type Token struct {
	ID      string // eight hex digits
	Name    string // of the program, as it stands in the history of what it does
	Scopes  visitor.Permissions
	Made    time.Time
	Expires time.Time // zero: never
	sum     [sha256.Size]byte
}

// Tokens is a file of tokens, like Users.
type Tokens struct {
	path  string
	lines []line
	all   []Token
	bySum map[[sha256.Size]byte]Token
}

// ReadTokens reads a file, and gives every problem with file and line.
func ReadTokens(path string) (*Tokens, error) {
	lines, err := readLines(path, tokensHeader)
	if err != nil {
		return nil, err
	}
	return parseTokens(path, lines)
}

// OpenTokens is ReadTokens, but that a file that is not there is an empty one.
func OpenTokens(path string) (*Tokens, error) {
	ts, err := ReadTokens(path)
	if errors.Is(err, fs.ErrNotExist) {
		return parseTokens(path, []line{{text: tokensHeader}})
	}
	return ts, err
}

func parseTokens(path string, lines []line) (*Tokens, error) {
	ts := &Tokens{path: path, lines: lines, bySum: map[[sha256.Size]byte]Token{}}
	var errs []error
	ids := map[string]bool{}
	for _, l := range lines {
		if l.fields == nil {
			continue
		}
		t, err := parseToken(l.fields)
		if err == nil && ids[t.ID] {
			err = fmt.Errorf("id %s stands twice", t.ID)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", path, l.number, err))
			continue
		}
		ids[t.ID] = true
		ts.all, ts.bySum[t.sum] = append(ts.all, t), t
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return ts, nil
}

var tokenID = regexp.MustCompile(`^[0-9a-f]{8}$`)

func parseToken(fields []string) (t Token, err error) {
	var errs [6]error
	if t.ID = fields[0]; !tokenID.MatchString(t.ID) {
		errs[0] = fmt.Errorf("id %.20q: want eight hex digits", t.ID)
	}
	t.Name, errs[1] = fields[1], checkName(fields[1])
	t.Scopes, errs[2] = visitor.ParsePermissions(fields[2])
	t.Made, errs[3] = time.Parse(time.RFC3339, fields[3])
	if fields[4] != "" {
		t.Expires, errs[4] = time.Parse(time.RFC3339, fields[4])
	}
	sum, err := hex.DecodeString(fields[5])
	if err != nil || copy(t.sum[:], sum) != len(t.sum) || len(sum) != len(t.sum) {
		errs[5] = errors.New("sha256: want 64 hex digits")
	}
	return t, errors.Join(errs[:]...)
}

// All are the tokens in the order of the file.
func (ts *Tokens) All() []Token { return ts.all }

// Add makes a token and gives its text, which is kept nowhere.
func (ts *Tokens) Add(name string, scopes visitor.Permissions, made, expires time.Time) (text string, t Token, err error) {
	var secret [32]byte
	var id [4]byte
	_, _ = rand.Read(secret[:]) // it never fails
	_, _ = rand.Read(id[:])
	t = Token{ID: hex.EncodeToString(id[:])}
	text = "meldefunk_" + t.ID + "_" + base64.RawURLEncoding.EncodeToString(secret[:])
	until := ""
	if !expires.IsZero() {
		until = expires.UTC().Format(time.RFC3339)
	}
	sum := sha256.Sum256([]byte(text))
	fields := []string{t.ID, name, scopes.String(), made.UTC().Format(time.RFC3339), until, hex.EncodeToString(sum[:])}
	if t, err = parseToken(fields); err != nil {
		return "", Token{}, err
	}
	if slices.ContainsFunc(ts.all, func(old Token) bool { return old.ID == t.ID }) {
		return ts.Add(name, scopes, made, expires)
	}
	ts.lines = append(ts.lines, line{text: fmt.Sprintf("%s;%s;%s;%s;%s;%s", fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]), fields: fields})
	ts.all, ts.bySum[t.sum] = append(ts.all, t), t
	return text, t, nil
}

// Remove takes a token out; false: there is none of this id.
func (ts *Tokens) Remove(id string) bool {
	i := slices.IndexFunc(ts.lines, func(l line) bool { return l.fields != nil && l.fields[0] == id })
	if i < 0 {
		return false
	}
	ts.lines = slices.Delete(ts.lines, i, i+1)
	j := slices.IndexFunc(ts.all, func(t Token) bool { return t.ID == id })
	delete(ts.bySum, ts.all[j].sum)
	ts.all = slices.Delete(ts.all, j, j+1)
	return true
}

// Save writes the file.
func (ts *Tokens) Save() error { return writeLines(ts.path, ts.lines) }

// good finds a token that has not expired. How long it takes tells nothing about those there
// are: what is looked up is a hash.
func (ts *Tokens) good(text string, now time.Time) (Token, bool) {
	t, known := ts.bySum[sha256.Sum256([]byte(text))]
	return t, known && (t.Expires.IsZero() || now.Before(t.Expires))
}
