package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"meldefunk/devices/chirpstack/chirpstacktest"
)

// step is a block of commands of a page, and the lines that the page shows of what they say.
type step struct {
	commands string
	shown    []string
}

// stepsOf reads the sh blocks of a page, each with the text block behind it.
func stepsOf(page string) (all []step) {
	for _, m := range regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		if m[1] == "sh" {
			all = append(all, step{commands: m[2]})
			continue
		}
		last := &all[len(all)-1]
		last.shown = strings.Split(strings.TrimSpace(m[2]), "\n")
	}
	return all
}

// says tells whether a line stands in the output; "…" is anything on the line.
func says(output, line string) bool {
	parts := strings.Split(strings.TrimSpace(line), "…")
	for i := range parts {
		words := strings.Fields(parts[i])
		for w := range words {
			words[w] = regexp.QuoteMeta(words[w])
		}
		parts[i] = strings.Join(words, " +")
	}
	return regexp.MustCompile(strings.Join(parts, ".*")).MatchString(output)
}

// TestFromTheBoxToTheFirstReading runs the commands of the page word for word, but for the
// ports, beside a ChirpStack as strict as the real one, and finds what the page shows.
func TestFromTheBoxToTheFirstReading(t *testing.T) {
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "howto", "from-the-box-to-the-first-reading.md"))
	if err != nil {
		t.Fatal(err)
	}
	chirpstack := pageChirpStack(t)
	page := strings.NewReplacer("127.0.0.1:18080", "127.0.0.1:"+freePort(t), "127.0.0.1:18830", "127.0.0.1:"+freePort(t), "127.0.0.1:18090", chirpstack).Replace(string(text))
	steps := stepsOf(page)
	if len(steps) < 10 {
		t.Fatalf("the page has %d steps", len(steps))
	}
	binary := filepath.Join(t.TempDir(), "meldefunk")
	if err := os.Symlink(buildBinary(t, false), binary); err != nil {
		t.Fatal(err)
	}
	script := "trap '[ -z \"$!\" ] || kill $! 2>/dev/null' EXIT\n" // nothing is left behind
	for i, s := range steps {
		script += fmt.Sprintf("echo '@@@ %d'\n%s\necho \"@@@ $?\"\n", i, s.commands)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", script)
	shell.Dir = t.TempDir()
	shell.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	shell.WaitDelay = 10 * time.Second
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Errorf("the shell: %v", err)
	}
	outputs := strings.Split(string(out), "@@@ ")
	for i, s := range steps {
		if len(outputs) < 2*i+3 {
			t.Fatalf("the shell came to step %d:\n%s", i, tail(string(out), 3000))
		}
		_, output, _ := strings.Cut(outputs[2*i+1], "\n")
		if code := strings.TrimSpace(outputs[2*i+2]); code != "0" && !strings.Contains(output, "MISSING") {
			t.Errorf("exit code %s of\n%s\n%s", code, s.commands, output)
		}
		for _, line := range s.shown {
			if !says(output, line) {
				t.Errorf("the page shows %q, and\n%s\nsays\n%s", line, s.commands, output)
			}
		}
	}
	if t.Failed() {
		log, _ := os.ReadFile(filepath.Join(shell.Dir, "city", "meldefunk.log"))
		t.Logf("%s", tail(string(log), 3000))
	}
}

// pageChirpStack is a ChirpStack with the application and the API key of the page.
func pageChirpStack(t *testing.T) (address string) {
	t.Helper()
	s, err := chirpstacktest.New()
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := s.Add(chirpstacktest.Tenant, chirpstacktest.Fields{"name": "Stadt"})
	if err != nil {
		t.Fatal(err)
	}
	const application = "5ad5bc54-1e36-4a5b-9d3c-8f4c5f0f6a10"
	if err := s.Put(chirpstacktest.Application, application, chirpstacktest.Fields{"id": application, "name": "Sensorik", "tenant_id": tenant}); err != nil {
		t.Fatal(err)
	}
	s.Grant("the-api-key-of-your-chirpstack", chirpstacktest.Access{Tenant: tenant})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Start(l))
	return l.Addr().String()
}
