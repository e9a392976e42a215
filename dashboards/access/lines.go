package access

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFile bounds a file of users or tokens, in bytes.
const maxFile = 4 << 20

// longestName is how long a name may be, in characters; the board's own bound.
const longestName = 80

// line is one of a file: fields with semicolons between. What is no entry, a comment or an
// empty line, has no fields, and is kept as it is.
type line struct {
	text   string
	fields []string
	number int
}

// readLines reads a file whose first entry is the header. A file that others can read or write
// is refused.
func readLines(path, header string) ([]line, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("%s: want a file of at most %d bytes", path, maxFile)
	case info.Mode().Perm()&0o007 != 0:
		return nil, fmt.Errorf("%s: everybody on this machine can read or change it: chmod o-rwx %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseLines(path, string(text), header)
}

func parseLines(path, text, header string) ([]line, error) {
	var all []line
	var errs []error
	want, headed := len(strings.Split(header, ";")), false
	for i, l := range strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n") {
		entry := line{text: l, number: i + 1}
		switch {
		case strings.TrimSpace(l) == "" || strings.HasPrefix(l, "#"):
		case !headed:
			if headed = true; l != header {
				return nil, fmt.Errorf("%s:%d: want the header %s", path, i+1, header)
			}
		default:
			if entry.fields = strings.Split(l, ";"); len(entry.fields) != want {
				errs = append(errs, fmt.Errorf("%s:%d: want %d fields with semicolons between, %s", path, i+1, want, header))
			}
		}
		all = append(all, entry)
	}
	if !headed {
		return nil, fmt.Errorf("%s: want the header %s", path, header)
	}
	return all, errors.Join(errs...)
}

// writeLines puts a file in place of the old one whole, with the old one's owner's rights.
func writeLines(path string, lines []line) error {
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l.text + "\n")
	}
	mode := fs.FileMode(0o600)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	if err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".meldefunk-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone, if all went well
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Chmod(mode), keepOwner(f, info), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// checkName wants a name that can stand in a file, a form and a ticket.
func checkName(name string) error {
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		return fmt.Errorf("name %.80q: want one, without blanks around it", name)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == ';' }) || strings.HasPrefix(name, "#"):
		return fmt.Errorf("name %.80q: want text on one line, without semicolons, and not # first", name)
	case utf8.RuneCountInString(name) > longestName:
		return fmt.Errorf("name %.80q: want at most %d characters", name, longestName)
	}
	return nil
}
