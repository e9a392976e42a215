package devices

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
	"meldefunk/city/typo"
)

// errKeysHere refuses keys where they would lie in clear for as long as the platform runs.
var errKeysHere = errors.New("keys do not belong into this file: import it with meldefunk device import")

// parseJoinEUI reads a JoinEUI, which was called AppEUI before LoRaWAN 1.0.4. Zeros alone are
// what some devices have.
func parseJoinEUI(text string) (city.EUI, error) {
	if e, err := parseEUI(text); err == nil {
		return e, nil
	}
	e, err := city.ParseEUI(text)
	if err != nil {
		_, err = parseEUI(text)
	}
	return e, err
}

// parseVersion reads a version of the link layer as people and network servers write it:
// 1.0.3, 1.1, MAC_V1_0_3, LORAWAN_1_0_3.
func parseVersion(text string) (enrol.Version, error) {
	all := []enrol.Version{enrol.V1_0_0, enrol.V1_0_1, enrol.V1_0_2, enrol.V1_0_3, enrol.V1_0_4, enrol.V1_1_0}
	word := strings.ToUpper(text)
	for _, before := range []string{"LORAWAN", "MAC", "_", " ", "V"} {
		word = strings.TrimPrefix(word, before)
	}
	word = strings.ReplaceAll(word, "_", ".")
	if word == "1.1" {
		return enrol.V1_1_0, nil
	}
	if slices.Contains(all, enrol.Version(word)) {
		return enrol.Version(word), nil
	}
	return "", fmt.Errorf("unknown version %.40q: want one of %v", text, all)
}

var regionName = regexp.MustCompile(`^[A-Z]{2,3}[0-9]{3,4}(-[0-9])?$`)

// parseRegion reads the name of a radio band as the LoRa Alliance shortens it.
func parseRegion(text string) (string, error) {
	name := strings.ToUpper(text)
	switch name {
	case "EU", "EU863-870", "EU_863_870", "EU_863_870_TTN":
		name = "EU868"
	}
	if !regionName.MatchString(name) {
		return "", fmt.Errorf("%.40q is no region: want a name like EU868", text)
	}
	return name, nil
}

func parseClass(text string) (enrol.Class, error) {
	word := strings.TrimSpace(strings.TrimPrefix(strings.ToUpper(text), "CLASS"))
	for _, c := range []enrol.Class{enrol.ClassA, enrol.ClassB, enrol.ClassC} {
		if word == string(c) {
			return c, nil
		}
	}
	return "", fmt.Errorf("unknown class %.40q: want A, B or C", text)
}

// maxInterval is the longest promise: a month.
const maxInterval = 31 * 24 * time.Hour

// parseInterval reads a whole number of seconds, minutes, hours or days.
func parseInterval(text string) (time.Duration, error) {
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	unit := time.Duration(0)
	switch strings.ToLower(strings.TrimSpace(text[len(digits):])) {
	case "s", "sec", "sek", "seconds", "sekunden":
		unit = time.Second
	case "min", "minutes", "minuten":
		unit = time.Minute
	case "h", "std", "hours", "stunden":
		unit = time.Hour
	case "d", "days", "tage":
		unit = 24 * time.Hour
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || unit == 0 {
		return 0, fmt.Errorf("%.40q is no interval: want a whole number with s, min, h or d, like \"20 min\"", text)
	}
	if n == 0 || n > uint64(maxInterval/unit) {
		return 0, fmt.Errorf("%.40q does not fit: want 1 s to 31 d", text)
	}
	return time.Duration(n) * unit, nil
}

// intervalText is what parseInterval reads.
func intervalText(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// stateWords is what people call the states, without what plain takes away.
func stateWords(s register.State) []string {
	switch s {
	case register.InStock:
		return []string{"in_stock", "lager", "auf lager"}
	case register.Planned:
		return []string{"planned", "geplant"}
	case register.Installed:
		return []string{"installed", "installiert", "montiert", "in betrieb"}
	case register.Maintenance:
		return []string{"maintenance", "wartung", "in wartung"}
	case register.Retired:
		return []string{"retired", "ausgemustert", "stillgelegt"}
	}
	return nil
}

func parseState(text string) (register.State, error) {
	var all, first []string
	for _, s := range register.States() {
		words := stateWords(s)
		if slices.ContainsFunc(words, func(w string) bool { return plain(w) == plain(text) }) {
			return s, nil
		}
		all = append(all, words...)
		first = append(first, words[0]+" ("+strings.Join(words[1:], ", ")+")")
	}
	return "", fmt.Errorf("unknown state %.40q: want one of %s%s", text, strings.Join(first, ", "), typo.Meant(text, all))
}

// maxWords is how many groups or photos an asset may have.
const maxWords = 50

// parseWords reads "a|b".
func parseWords(text string) ([]string, error) {
	var words []string
	for word := range strings.SplitSeq(text, "|") {
		word, err := parseText(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		if word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	if len(words) > maxWords {
		return nil, fmt.Errorf("are %d: want %d at most", len(words), maxWords)
	}
	return words, nil
}

// parseGroups is parseWords in one order, so that the same ones are the same.
func parseGroups(text string) ([]string, error) {
	words, err := parseWords(text)
	slices.Sort(words)
	return words, err
}

// parseTime reads a day or a time of it as people and programs write it. Without an offset
// it is local.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			if y := t.Year(); y < 2000 || y > 9999 {
				return time.Time{}, fmt.Errorf("%.40q does not fit: want a day since 2000", text)
			}
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time: want one like 2026-05-03, 3.5.2026 14:30 or 2026-05-03T14:30:00+02:00", text)
}

// looksLikeKey tells whether a text might be a root key, or one with some digits lost: 32 hex
// digits, with what people write between them.
func looksLikeKey(text string) bool {
	if len(text) < 28 {
		return false
	}
	digits := keyDigits(text)
	return len(digits) >= 28 && len(digits) <= 36 && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
}

// keyDigits takes out what people write between the digits of a key.
func keyDigits(text string) string {
	return strings.NewReplacer(" ", "", "-", "", ":", "", "\t", "").Replace(strings.TrimPrefix(strings.TrimSpace(text), "0x"))
}
