package board

import (
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// input is a field of a form, with what was typed into it and what is wrong with that.
type input struct {
	ID, Key, Label, Help string
	Value                string
	Type                 string // of the HTML element; "": text
	Mode                 string // keyboard of a phone; "": letters
	Longest              int
	Needed               bool
	Choices              []choice // not nil: one of them
	Known                []string // proposals
	Error, English       string   // what is wrong; English is the register's own words
}

// Described is what the element refers to for help and error, "" for nothing.
func (i input) Described() string {
	var ids []string
	if i.Help != "" {
		ids = append(ids, i.ID+"-hilfe")
	}
	if i.Error != "" {
		ids = append(ids, i.ID+"-fehler")
	}
	return strings.Join(ids, " ")
}

// List is the id of the proposals.
func (i input) List() string { return i.ID + "-liste" }

// wrongs are what is wrong with a form, by the keys of its fields; "" is all of it.
type wrongs map[string]wrong

type wrong struct{ text, english string }

func (w wrongs) add(key string, err error) {
	if err != nil {
		w[key] = wrong{text: err.Error()}
	}
}

// wrongRow is a line of the summary of what is wrong.
type wrongRow struct{ Text, English, Address string }

// summary lists what is wrong in the order of the fields, each with the way there, and puts
// it beside the fields.
func (w wrongs) summary(fields []input) []wrongRow {
	var rows []wrongRow
	told := map[string]bool{}
	for i := range fields {
		if x, ok := w[fields[i].Key]; ok {
			fields[i].Error, fields[i].English = x.text, x.english
			rows = append(rows, wrongRow{x.text, x.english, "#" + fields[i].ID})
			told[fields[i].Key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w)) {
		if !told[key] {
			rows = append(rows, wrongRow{w[key].text, w[key].english, ""})
		}
	}
	return rows
}

// chosen keeps what was typed among fixed choices.
func chosen(value string, all ...choice) []choice {
	for i := range all {
		all[i].Chosen = all[i].Value == value
	}
	return all
}

// thousands is a number that is one in a thousand of the other, by who reads it.
var thousands = regexp.MustCompile(`\.\d{3}$`)

// readDecimal reads a number as Germans and machines write it. "" is none. A point before three
// digits is refused where it may be meant for thousands.
func readDecimal(form url.Values, key, name string, large bool) (text string, number float64, err error) {
	text = strings.TrimSpace(form.Get(key))
	plain := strings.NewReplacer("−", "-", ",", ".").Replace(text)
	if plain == "" {
		return "", 0, nil
	}
	if large && thousands.MatchString(text) {
		return text, 0, errors.New(name + ": Bitte ohne Tausenderpunkt, und mit Komma, wie 1250 oder 1250,5.")
	}
	number, err = strconv.ParseFloat(plain, 64)
	if err != nil || len(plain) > 24 || strings.Trim(plain, "+-.0123456789") != "" {
		return text, 0, errors.New(name + ": Bitte eine Zahl, wie 1250 oder 52,2775.")
	}
	return plain, number, nil
}

// sinceOf reads since when something is so, from the field of a browser or as people write
// it. Zero: from now on.
func (b *Board) sinceOf(form url.Values) (time.Time, error) {
	text := strings.TrimSpace(form.Get("seit"))
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "02.01.2006 15:04", "02.01.2006"} {
		if t, err := time.ParseInLocation(layout, text, b.opt.Location); err == nil {
			if t.After(b.opt.Now()) {
				return t, errors.New("Seit: Das liegt in der Zukunft.")
			}
			return t, nil
		}
	}
	return time.Time{}, errors.New("Seit: Bitte einen Zeitpunkt, wie 21.11.2026 14:05, oder nichts für jetzt.")
}
