package city

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// LongestUntil bounds how far ahead an end may lie that somebody gives: what is to last
// longer is no exception any more.
const LongestUntil = 366 * 24 * time.Hour

// ParseUntil reads until when people want something: a length from now on ("90m", "36h",
// "3d", "2w", "3 Tage"), or a date with or without a time, in the German way ("24.12.2026,
// 18:00 Uhr") or the international one ("2026-12-24T18:00"). A time without a zone is one of
// zone's clocks; a date without a time counts to its end. The end must be after now, and not
// further off than LongestUntil.
func ParseUntil(text string, now time.Time, zone *time.Location) (time.Time, error) {
	until, ok := parseLength(text, now.In(zone))
	if !ok {
		until, ok = parseEnd(text, zone)
	}
	switch {
	case !ok:
		return time.Time{}, fmt.Errorf("%.40q is no end: want a length like 36h, 3d or 2w, or a date like 24.12.2026, 24.12.2026 18:00 or 2026-12-24T18:00", text)
	case !until.After(now):
		return time.Time{}, fmt.Errorf("%.40q is over already", text)
	case until.After(now.Add(LongestUntil)):
		return time.Time{}, fmt.Errorf("%.40q is more than a year off: want an end within a year", text)
	}
	return until, nil
}

var length = regexp.MustCompile(`^([0-9]{1,5}) *([\p{L}]+)$`)

// parseLength counts days by the calendar: a day on which clocks are turned is one, too.
func parseLength(text string, now time.Time) (time.Time, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if m := length.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		switch m[2] {
		case "stunde", "stunden":
			return now.Add(time.Duration(n) * time.Hour), err == nil
		case "d", "tag", "tage", "tagen":
			return now.AddDate(0, 0, n), err == nil
		case "w", "woche", "wochen":
			return now.AddDate(0, 0, 7*n), err == nil
		}
	}
	d, err := time.ParseDuration(text)
	return now.Add(d), err == nil
}

func parseEnd(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "Uhr"))
	text = strings.TrimSpace(strings.Replace(text, ",", "", 1))
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2.1.2006 15:04"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, true
		}
	}
	for _, layout := range []string{"2006-01-02", "2.1.2006"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.AddDate(0, 0, 1), true
		}
	}
	return time.Time{}, false
}
