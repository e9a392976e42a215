package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
)

// asidePrinter prints set-aside messages for people, or as JSON.
type asidePrinter struct {
	w      io.Writer
	asJSON bool
}

// asideEntry is a message as JSON. It is named by its ID everywhere: a number of 64 bits
// does not survive every JSON reader.
type asideEntry struct {
	ID       string      `json:"id"`
	Reason   city.Reason `json:"reason"`
	Detail   string      `json:"detail"`
	Server   string      `json:"server"`
	Topic    string      `json:"topic"`
	DevEUI   string      `json:"dev_eui,omitempty"`
	Received time.Time   `json:"received"`
	LastSeen time.Time   `json:"last_seen"`
	Count    int64       `json:"count"`
	Bytes    int         `json:"bytes"`
	Body     []byte      `json:"body,omitempty"`
}

func entryOf(a *city.SetAside) asideEntry {
	e := asideEntry{
		ID: fmt.Sprintf("%016x", a.Key), Reason: a.Reason, Detail: a.Detail, Server: a.Server, Topic: a.Topic,
		Received: a.Received, LastSeen: a.LastSeen, Count: a.Count, Bytes: len(a.Body),
	}
	if !a.DevEUI.IsZero() {
		e.DevEUI = a.DevEUI.String()
	}
	return e
}

// line prints a message on one line, without its bytes.
func (p asidePrinter) line(a *city.SetAside) error {
	e := entryOf(a)
	if p.asJSON {
		return json.NewEncoder(p.w).Encode(e)
	}
	device := e.DevEUI
	if device == "" {
		device = "-"
	}
	_, err := fmt.Fprintf(p.w, "%s  %s  %-14s  %-16s  %s  %d×  %d bytes  %s\n", e.ID, e.LastSeen.Format(time.RFC3339),
		e.Reason, device, oneLine(e.Server), e.Count, e.Bytes, oneLine(e.Detail))
	return err
}

// counts closes a list.
func (p asidePrinter) counts(counts []city.AsideCount, listed int) error {
	if p.asJSON {
		byReason := map[city.Reason]int64{}
		for _, c := range counts {
			byReason[c.Reason] = c.Messages
		}
		return json.NewEncoder(p.w).Encode(map[string]any{"total": messages(counts), "listed": listed, "by_reason": byReason})
	}
	var parts []string
	for _, c := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", c.Reason, c.Messages))
	}
	text := fmt.Sprintf("%d set aside", messages(counts))
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	if int64(listed) < messages(counts) {
		text += fmt.Sprintf(" (%d listed; --limit 0 lists all)", listed)
	}
	_, err := fmt.Fprintln(p.w, text)
	return err
}

// whole prints everything about a message. Its bytes are text where they are printable, else
// hex digits: a terminal must not obey a message.
func (p asidePrinter) whole(a *city.SetAside) error {
	e := entryOf(a)
	if p.asJSON {
		e.Body = a.Body
		return json.NewEncoder(p.w).Encode(e)
	}
	body := string(a.Body)
	if !printableText(body) {
		body = hex.Dump(a.Body)
	}
	_, err := fmt.Fprintf(p.w, "id         %s\nreason     %s: %s\nserver     %s\ntopic      %s\ndevice     %s\nreceived   %s\nlast seen  %s\ncount      %d\nbody       %d bytes\n\n%s\n",
		e.ID, e.Reason, oneLine(e.Detail), oneLine(e.Server), oneLine(e.Topic), e.DevEUI,
		e.Received.Format(time.RFC3339), e.LastSeen.Format(time.RFC3339), e.Count, e.Bytes, strings.TrimSuffix(body, "\n"))
	return err
}

func (p asidePrinter) replayed(chosen, done int64) error {
	if p.asJSON {
		return json.NewEncoder(p.w).Encode(map[string]int64{"chosen": chosen, "replayed": done, "still_set_aside": chosen - done})
	}
	_, err := fmt.Fprintf(p.w, "%d chosen, %d replayed, %d still set aside\n", chosen, done, chosen-done)
	return err
}

func (p asidePrinter) dropped(n int64) error {
	if p.asJSON {
		return json.NewEncoder(p.w).Encode(map[string]int64{"dropped": n})
	}
	_, err := fmt.Fprintf(p.w, "%d dropped\n", n)
	return err
}

// oneLine writes out what would break the line or command the terminal.
func oneLine(s string) string {
	if printableText(s) && !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return strings.Trim(strconv.QuoteToGraphic(s), `"`)
}

func printableText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' })
}
