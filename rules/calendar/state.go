package calendar

import (
	"fmt"
	"strings"
)

// State is one of the sixteen German states, each of which has its own holidays.
type State uint8

// The states, by the codes of ISO 3166-2:DE.
const (
	BadenWuerttemberg State = iota + 1
	Bavaria
	Berlin
	Brandenburg
	Bremen
	Hamburg
	Hesse
	MecklenburgVorpommern
	LowerSaxony
	NorthRhineWestphalia
	RhinelandPalatinate
	Saarland
	Saxony
	SaxonyAnhalt
	SchleswigHolstein
	Thuringia
	stateEnd
)

var stateNames = [stateEnd]struct{ code, name string }{
	BadenWuerttemberg:     {"BW", "Baden-Württemberg"},
	Bavaria:               {"BY", "Bayern"},
	Berlin:                {"BE", "Berlin"},
	Brandenburg:           {"BB", "Brandenburg"},
	Bremen:                {"HB", "Bremen"},
	Hamburg:               {"HH", "Hamburg"},
	Hesse:                 {"HE", "Hessen"},
	MecklenburgVorpommern: {"MV", "Mecklenburg-Vorpommern"},
	LowerSaxony:           {"NI", "Niedersachsen"},
	NorthRhineWestphalia:  {"NW", "Nordrhein-Westfalen"},
	RhinelandPalatinate:   {"RP", "Rheinland-Pfalz"},
	Saarland:              {"SL", "Saarland"},
	Saxony:                {"SN", "Sachsen"},
	SaxonyAnhalt:          {"ST", "Sachsen-Anhalt"},
	SchleswigHolstein:     {"SH", "Schleswig-Holstein"},
	Thuringia:             {"TH", "Thüringen"},
}

// States lists all sixteen.
func States() []State {
	all := make([]State, 0, stateEnd-1)
	for s := BadenWuerttemberg; s < stateEnd; s++ {
		all = append(all, s)
	}
	return all
}

// String is the code, "NI".
func (s State) String() string {
	if s >= BadenWuerttemberg && s < stateEnd {
		return stateNames[s].code
	}
	return "?"
}

// German is the name, "Niedersachsen".
func (s State) German() string {
	if s >= BadenWuerttemberg && s < stateEnd {
		return stateNames[s].name
	}
	return "unbekannt"
}

// ParseState reads a code or a German name, in any case: "NI", "Niedersachsen".
func ParseState(text string) (State, error) {
	for _, s := range States() {
		if strings.EqualFold(text, s.String()) || strings.EqualFold(text, s.German()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown state %.40q: want one of %v, like NI for Niedersachsen", text, States())
}
