package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meldefunk/decoders/javascript"
)

// TestCodecCommands runs the program itself, because it starts itself to run codecs.
func TestCodecCommands(t *testing.T) {
	binary := buildBinary(t, false)
	const testdata = "../../decoders/javascript/testdata"
	dir := write(t, map[string]string{
		"test_decode_a.json": `[{"name": "n", "input": {"fPort": 0x01, "bytes": [7]}, "expected": {"data": {"x": 8}}}]`,
		"a.js":               `function decodeUplink(i) { return {data: {x: i.bytes[0]}} }`,
		"good.yaml":          "codecs: {folder: DIR/by-config}\n" + good,
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"test, all pass", []string{"codec", "test", testdata + "/acme"}, exitOK, "17 passed, 0 failed\n"},
		{"test, one fails", []string{"codec", "test", in("test_decode_a.json")}, exitFailure, "FAIL " + in("test_decode_a.json") + ": 1 n: data.x: got 7, want 8\n0 passed, 1 failed\n"},
		{"test, as JSON", []string{"codec", "test", "--json", in("test_decode_a.json")}, exitFailure, `"passed":0,"failed":1,"failures":[{"file":`},
		{"test, nothing there", []string{"codec", "test", t.TempDir()}, exitUsage, "no examples found"},
		{"test, no such folder", []string{"codec", "test", in("nowhere")}, exitUsage, "want a file or folder that can be read"},
		{"test, no argument", []string{"codec", "test"}, exitUsage, "wants one file or folder, got 0"},
		{"decode", []string{"decode", "--codecs", testdata + "/acme", "-m", "acme/tank-sonar", "-p", "2", "--empty", "3000", "--full", "300", "010d3b02084403"},
			exitOK, "fill_level       32.74074074074074  %   (from the calibration)\nnot mapped       {\"frames\":1}\nstate            ok\n"},
		{"decode, refused", []string{"decode", "--codecs", testdata + "/acme", "-m", "acme/tank-sonar", "-p", "2", "090000"}, exitFailure, "unknown type 9 at 0"},
		{"decode, no such codec", []string{"decode", "--codecs", testdata + "/acme", "-m", "acme/none", "-p", "2", "01"}, exitUsage, "need --codecs"},
		{"list", []string{"model", "list", "--codecs", testdata + "/acme"}, exitOK, "acme/bay                             parking  JavaScript\n"},
		{"import, dry", []string{"codec", "import", "--dry-run", "--into", in("dry"), testdata + "/repository"}, exitFailure, "6 files would be written"},
		{"import", []string{"codec", "import", "--into", in("into"), testdata + "/repository"}, exitFailure, "acme/bay (parking): mapped battery=battery_level, occupied=occupied, temp_f=temperature; raw distance\n"},
		{"import again", []string{"codec", "import", "--into", in("into"), testdata + "/repository"}, exitFailure, "0 files written, 6 unchanged, 0 kept; 5 failed"},
		{"import by configuration", []string{"codec", "import", "--config", in("good.yaml"), testdata + "/repository"}, exitFailure, "6 files written"},
		{"import, nowhere to", []string{"codec", "import", testdata + "/repository"}, exitUsage, "Give --into or --config"},
		{"import, no repository", []string{"codec", "import", "--into", in("into"), testdata + "/acme"}, exitUsage, "has no folder vendor"},
		{"import, no such folder", []string{"codec", "import", "--into", in("into"), in("nowhere")}, exitUsage, "no such file"},
		{"import, no argument", []string{"codec", "import"}, exitUsage, "wants one folder, got 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := runBinary(t, binary, c.args...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("got %d, want %d with %q in\n%s", code, c.code, c.want, out)
			}
		})
	}
	if list, err := filepath.Glob(in("dry")); err != nil || len(list) > 0 {
		t.Errorf("a dry run made %v, %v", list, err)
	}

	t.Run("import as JSON", func(t *testing.T) {
		c := exec.Command(binary, "codec", "import", "--json", "--into", in("json"), testdata+"/repository")
		text, err := c.Output()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailure {
			t.Errorf("ended with %v, want code %d", err, exitFailure)
		}
		var r javascript.ImportReport
		if err := json.Unmarshal(text, &r); err != nil || len(r.Models) != 3 || len(r.Failures) != 5 || r.Written != 6 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

// runBinary gives what is printed, on both ways, and the exit code.
func runBinary(t *testing.T, binary string, args ...string) (string, int) {
	t.Helper()
	c := exec.Command(binary, args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), c.ProcessState.ExitCode()
}
