package rules

import (
	"time"

	"meldefunk/city"
)

var noon = time.Date(2026, time.October, 25, 12, 0, 0, 0, time.UTC)

// reading is one at noon plus some minutes.
func reading(k city.Kind, minute int, values ...city.Value) *city.Reading {
	return &city.Reading{Asset: "PK-0042", Kind: k, Time: city.Stamp{At: noon.Add(time.Duration(minute) * time.Minute)}, Values: values}
}
