package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"meldefunk/dashboards/browsertest"
)

// TestDemo runs the demo as a newcomer does and wants readings on the board within 10
// seconds, a ticket opened and another closed within 60, in a real browser.
func TestDemo(t *testing.T) {
	browser := browsertest.Start(t)
	binary := buildBinary(t, false)
	listen := "127.0.0.1:" + freePort(t)
	cmd := exec.Command(binary, "demo", "--listen", listen)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var folder string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && name == "Data" {
			folder = strings.TrimSpace(value)
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()

	p := &platform{t: t, board: "http://" + listen}
	atLeastOne := func(series string) func() error {
		return func() error {
			got, err := p.metrics()
			if err == nil && got[series] < 1 {
				err = fmt.Errorf("%s is %g", series, got[series])
			}
			return err
		}
	}
	shows := func(path, pattern string) func() error {
		return func() error {
			page, err := p.get(path)
			if err == nil && !regexp.MustCompile(pattern).MatchString(page) {
				err = fmt.Errorf("%s does not show %s", path, pattern)
			}
			return err
		}
	}
	p.eventually(10*time.Second, "readings on the board", shows("/", `\d+,\d\x{a0}%`))
	t.Logf("readings on the board after %s", time.Since(began).Round(time.Millisecond))
	page := browser.Open(t, p.board+"/", browsertest.View{Width: 1280, Height: 900, NoScript: true})
	if rows := browsertest.Eval[int](t, page, `document.querySelectorAll("tbody tr").length`); rows < 200 {
		t.Errorf("the browser shows %d assets", rows)
	}
	p.eventually(60*time.Second-time.Since(began), "a ticket opened", atLeastOne("meldefunk_road_cases_opened_total"))
	t.Logf("ticket opened after %s", time.Since(began).Round(time.Millisecond))
	p.eventually(60*time.Second-time.Since(began), "a ticket closed", atLeastOne("meldefunk_road_cases_closed_total"))
	t.Logf("ticket closed after %s", time.Since(began).Round(time.Millisecond))
	p.eventually(10*time.Second, "the ticket server has closed it too", shows("/meldungen", ">geschlossen<|geschlossen</"))
	cases, err := p.get("/meldungen")
	if err != nil {
		t.Fatal(err)
	}
	if link := regexp.MustCompile(`href="(/meldung/S-[^"]+)"`).FindStringSubmatch(cases); link == nil {
		t.Error("no case has a page")
	} else if err := shows(link[1], `href="/regeln#regel-[a-z-]+"`)(); err != nil {
		t.Error(err)
	}
	if err := shows("/regeln", `Füllstand mindestens 90 %`)(); err != nil {
		t.Error(err)
	}

	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo did not end well: %v", err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the demo has left its folder %q behind: %v", folder, err)
	}
	if _, err := http.Get(p.board); err == nil {
		t.Error("the board still answers")
	}
}

// freePort is a port that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
