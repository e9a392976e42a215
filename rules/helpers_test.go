package rules

import (
	"testing"
	"time"

	"meldefunk/city"
)

var noon = time.Date(2026, time.October, 25, 12, 0, 0, 0, time.UTC)

func mustLoad(t testing.TB, file string) *Set {
	t.Helper()
	set, err := Load("rules.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// reading is one at noon plus some minutes.
func reading(k city.Kind, minute int, values ...city.Value) *city.Reading {
	return &city.Reading{Asset: "PK-0042", Kind: k, Time: city.Stamp{At: noon.Add(time.Duration(minute) * time.Minute)}, Values: values}
}
