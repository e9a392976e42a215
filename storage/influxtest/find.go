package influxtest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// influxd is a program on this machine.
type influxd struct {
	path         string
	major, minor int
}

func (i influxd) speaksV2() bool { return i.minor >= 8 }

// find takes the first usable influxd: MELDEFUNK_INFLUXD, PATH, Debian's.
func find() (influxd, error) {
	named := os.Getenv("MELDEFUNK_INFLUXD")
	candidates := []string{named}
	if named == "" {
		candidates = []string{"influxd", "/usr/bin/influxd"}
	}
	var why []string
	for _, name := range candidates {
		path, err := exec.LookPath(name)
		if err != nil {
			why = append(why, err.Error())
			continue
		}
		found, err := ask(path)
		if err == nil {
			return found, nil
		}
		why = append(why, err.Error())
	}
	return influxd{}, fmt.Errorf("no influxd to test with (%s): run `make tools`, or name one in MELDEFUNK_INFLUXD", strings.Join(why, "; "))
}

var versionLine = regexp.MustCompile(`^InfluxDB v?(\d+)\.(\d+)`)

// ask finds out which version a program is. InfluxDB 2 and 3 are started and set up
// differently and are not for this package.
func ask(path string) (influxd, error) {
	out, err := exec.Command(path, "version").Output()
	if err != nil {
		return influxd{}, fmt.Errorf("%s version: %w", path, err)
	}
	found, ok := parseVersion(string(out))
	if !ok {
		return influxd{}, fmt.Errorf("%s is %.60q: want InfluxDB 1.6 or newer 1.x", path, out)
	}
	found.path = path
	return found, nil
}

// parseVersion reads what `influxd version` prints. An influxd built by plain "go install"
// calls itself unknown; that can only be 1.8 or newer, where it became a Go module.
func parseVersion(line string) (influxd, bool) {
	if strings.HasPrefix(line, "InfluxDB vunknown ") {
		return influxd{major: 1, minor: 8}, true
	}
	m := versionLine.FindStringSubmatch(line)
	if m == nil {
		return influxd{}, false
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return influxd{}, false
	}
	minor, err := strconv.Atoi(m[2])
	if err != nil {
		return influxd{}, false
	}
	return influxd{major: major, minor: minor}, major == 1 && minor >= 6
}
