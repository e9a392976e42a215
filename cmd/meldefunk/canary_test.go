package main

import (
	"bytes"
	"compress/zlib"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// canaries are secrets that must turn up nowhere, by what they are.
type canaries map[string][]byte

// canary is a secret of n bytes that is nothing else's.
func canary(name string, n int) []byte {
	sum := sha512.Sum512([]byte("canary " + name))
	return sum[:n]
}

func canaryDigits(name string, n int) string { return hex.EncodeToString(canary(name, n)) }

// forms are how a secret could be told, each with the view of a text it is looked for in.
func forms(secret []byte) map[string][2]string {
	back := slices.Clone(secret)
	slices.Reverse(back) // as on air
	all := map[string][2]string{}
	for name, b := range map[string][]byte{"": secret, ", backwards": back} {
		all["bytes"+name] = [2]string{"raw", string(b)}
		all["hex digits"+name] = [2]string{"lower", hex.EncodeToString(b)}
		all["hex digits with something between"+name] = [2]string{"bare", hex.EncodeToString(b)}
		all["numbers"+name] = [2]string{"raw", strings.Trim(fmt.Sprint(b), "[]")}
		all["numbers with commas"+name] = [2]string{"raw", strings.ReplaceAll(strings.Trim(fmt.Sprint(b), "[]"), " ", ",")}
		// Within something longer a secret begins at each of three places of base64, and its
		// ends share a digit with what stands beside it.
		for shift := range 3 {
			digits := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), b...))
			digits = digits[(shift*8+5)/6 : (shift+len(b))*8/6]
			all[fmt.Sprint("base64 at ", shift, name)] = [2]string{"raw", digits}
			all[fmt.Sprint("base64 of addresses at ", shift, name)] = [2]string{"raw", strings.NewReplacer("+", "-", "/", "_").Replace(digits)}
		}
	}
	return all
}

// bare leaves out what people and formats put between hex digits, of a text in lower case.
func bare(text string) string {
	digits := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c == 'x' && i > 0 && text[i-1] == '0': // 0xc0, 0xff
			digits = digits[:len(digits)-1]
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
			digits = append(digits, c)
		}
	}
	return string(digits)
}

// views are how a text is searched.
func views(text string) map[string]string {
	lower := strings.ToLower(text)
	return map[string]string{"raw": text, "lower": lower, "bare": bare(lower)}
}

// found gives what a text tells of the secrets.
func (c canaries) found(text string) (told []string) {
	in := views(text)
	for what, secret := range c {
		for form, f := range forms(secret) {
			if strings.Contains(in[f[0]], f[1]) {
				told = append(told, what+" as "+form)
			}
		}
	}
	slices.Sort(told)
	return told
}

// pdfStream and pngData are the parts of pictures that are compressed.
var pdfStream = regexp.MustCompile(`(?s)stream\r?\n(.*?)endstream`)

// opened gives a file's content, and what is packed in it.
func opened(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var packed [][]byte
	switch filepath.Ext(name) {
	case ".pdf":
		for _, s := range pdfStream.FindAllSubmatch(content, -1) {
			packed = append(packed, s[1])
		}
	case ".png":
		var data []byte
		for rest := content[8:]; len(rest) >= 12; {
			n := int(rest[0])<<24 | int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
			if string(rest[4:8]) == "IDAT" {
				data = append(data, rest[8:8+n]...)
			}
			rest = rest[12+n:]
		}
		packed = append(packed, data)
	default:
		return string(content)
	}
	text := string(content)
	for _, p := range packed {
		r, err := zlib.NewReader(bytes.NewReader(p))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plain, err := io.ReadAll(r)
		if err != nil || len(plain) == 0 {
			t.Fatalf("%s: %d bytes packed, %v", name, len(plain), err)
		}
		text += "\n" + string(plain)
	}
	return text
}

// filesBelow gives all files of a folder.
func filesBelow(t testing.TB, folder string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCanaries makes sure that what is looked for would be found.
func TestCanaries(t *testing.T) {
	secret := []byte{0xc0, 0xff, 0xee, 0x10, 0xfa, 0x01, 0x7e, 0x99, 0x42, 0xd1, 0xbb, 0x35, 0xe0, 0x6f, 0x77, 0x08}
	c := canaries{"key": secret}
	back := slices.Clone(secret)
	slices.Reverse(back)
	for _, text := range []string{
		"a" + string(secret) + "b", string(back),
		"key=c0ffee10fa017e9942d1bb35e06f7708", "C0FFEE10FA017E9942D1BB35E06F7708", "08776fe035bbd142997e01fa10eeffc0",
		"C0-FF-EE-10-FA-01-7E-99-42-D1-BB-35-E0-6F-77-08", "c0:ff:ee:10:fa:01:7e:99:42:d1:bb:35:e0:6f:77:08", "c0ff ee10 fa01 7e99 42d1 bb35 e06f 7708",
		"[]byte{0xc0, 0xff, 0xee, 0x10, 0xfa, 0x01, 0x7e, 0x99, 0x42, 0xd1, 0xbb, 0x35, 0xe0, 0x6f, 0x77, 0x08}", `\xc0\xff\xee\x10\xfa\x01\x7e\x99\x42\xd1\xbb\x35\xe0\x6f\x77\x08`,
		fmt.Sprint(secret), fmt.Sprintf("%d", back), strings.ReplaceAll(fmt.Sprint(secret), " ", ","),
		base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(back),
		base64.StdEncoding.EncodeToString(append([]byte("x"), append(secret, 'y', 'z')...)), base64.StdEncoding.EncodeToString(append([]byte("xx"), append(secret, 'y')...)),
	} {
		if len(c.found(text)) == 0 {
			t.Errorf("not found in %q", text)
		}
	}
	if told := c.found("c0ffee10fa017e9942d1bb35e06f7709 " + base64.StdEncoding.EncodeToString(secret[1:])); len(told) > 0 {
		t.Errorf("found %q where it is not", told)
	}
}

// lines gives the lines of a text that tell a secret, for whoever has to mend them.
func (c canaries) lines(text string) (told []string) {
	for line := range strings.Lines(text) {
		if len(c.found(line)) > 0 {
			told = append(told, line[:min(len(line), 300)])
		}
	}
	return told
}
