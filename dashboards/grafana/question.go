package grafana

import "fmt"

// Language is what InfluxDB is asked in.
type Language string

// The languages. Flux needs InfluxDB 2.x, or 1.8 with flux-enabled; InfluxQL works with 1.x,
// and with 2.x once the bucket has a mapping for it.
const (
	Flux     Language = "flux"
	InfluxQL Language = "influxql"
)

// The questions. In each, asset means the readings of assets that the variable of this name
// holds; a zero variable asks for all. Measurement is a city.Kind, or the variable kinds.

// trend is an aggregate of a field in windows of time.
type trend struct {
	measurement string
	field       string
	with        string // mean, max, min, count
	by          string // tag that makes a series each; "": one series of all
	asset       string // variable
	every       string // "1h"; "": as wide as a pixel
	yes         string // only where this yes-or-no field of the same reading is true
}

// newest is a table with one line for each value of a tag: its newest point that has the
// first field, with the other fields and tags of that point. The time is in column Time.
type newest struct {
	measurement string
	by          string // tag
	fields      []string
	tags        []string
	asset       string
}

// tally is how many of those that a tag names have a newest value for which a comparison
// holds. Comparison "" counts all.
type tally struct {
	measurement string
	by          string
	field       string
	comparison  string // ">= 90", "= true"
	asset       string
}

// middle is the mean of the newest values of all assets.
type middle struct {
	measurement, field, asset string
}

// states are the values of one yes-or-no field, a series for each asset.
type states struct {
	measurement, field, asset string
}

// listed are the newest points that have a field, newest first, as a table.
type listed struct {
	measurement string
	field       string
	tags        []string
	asset       string
	limit       int
}

// places are the assets of a kind with name, district, tour and position, as a table.
type places struct {
	kind  string
	asset string
}

// kinds is the measurement that stands for the kinds chosen in the variable "art".
const kinds = "$art"

// speaker puts questions into words. Every answer is a query whose result has the same
// columns and labels in either language.
type speaker interface {
	trend(trend) string
	newest(newest) string
	tally(tally) string
	middle(middle) string
	states(states) string
	listed(listed) string
	places(places) string
	// choices are the values that a field of places has for a kind ("": any), where other
	// variables narrow it.
	choices(field, kind string, narrowed []string) string
}

// words gives the query of a question, and whether its result is a table.
func words(s speaker, question any) (query string, table bool) {
	switch q := question.(type) {
	case trend:
		return s.trend(q), false
	case newest:
		return s.newest(q), true
	case tally:
		return s.tally(q), true
	case middle:
		return s.middle(q), true
	case states:
		return s.states(q), false
	case listed:
		return s.listed(q), true
	case places:
		return s.places(q), true
	}
	panic(fmt.Sprintf("grafana: no words for a %T", question)) // a board is wrong; its test finds it
}
