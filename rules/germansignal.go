package rules

import (
	"strconv"
	"strings"

	"meldefunk/city"
)

var germanCompare = [...]string{AtLeast: "mindestens", Above: "über", AtMost: "höchstens", Below: "unter", Equal: "gleich"}

// germanSignal tells a condition for people.
func germanSignal(s Signal) string {
	switch s := s.(type) {
	case Threshold:
		if s.Quantity.Boolean() {
			return s.Quantity.German() + ": " + germanAmount(s.Condition.Limit, s.Quantity)
		}
		return s.Quantity.German() + " " + s.Condition.german(s.Quantity)
	case Change:
		if s.By < 0 {
			return s.Quantity.German() + " fällt innerhalb von " + germanSpan(s.Within) + " um mindestens " + germanAmount(-s.By, s.Quantity)
		}
		return s.Quantity.German() + " steigt innerhalb von " + germanSpan(s.Within) + " um mindestens " + germanAmount(s.By, s.Quantity)
	case Rate:
		return s.Quantity.German() + " ändert sich über " + germanLength(s.Over) + " je Stunde um " + s.Condition.german(s.Quantity)
	case Forecast:
		return s.Quantity.German() + " erreicht voraussichtlich innerhalb von " + germanSpan(s.Within) + " " + s.Condition.german(s.Quantity) +
			" (Verlässlichkeit der Vorhersage: " + germanReliability(s.Reliable.String()) + ")"
	case Silence:
		return s.german()
	case Faulty:
		return s.german()
	case Implausible:
		return s.german()
	case Aggregate:
		return s.german()
	case Expression:
		return "Ausdruck „" + s.words() + "“"
	case LimitedExpression:
		return "Ausdruck „" + s.words() + "“ mit der Grenze " + germanNumber(s.Value)
	}
	return s.String()
}

func (e Expression) words() string { return strings.TrimPrefix(e.String(), "expr ") }

func (c Condition) german(q city.Quantity) string {
	return germanCompare[c.Compare] + " " + germanAmount(c.Limit, q)
}

func (s Silence) german() string {
	text := "länger still, als bei diesem Sensor zufällig vorkommt"
	if s.Periods > 0 {
		text = "still seit " + germanNumber(s.Periods) + " Sendeabständen"
	}
	if s.AtLeast > 0 {
		text += ", seit mindestens " + germanSpan(s.AtLeast)
	}
	return text
}

func (f Faulty) german() string {
	if len(f.Faults) == 0 {
		return "Sensor meldet eine Störung"
	}
	words := make([]string, len(f.Faults))
	for i, x := range f.Faults {
		words[i] = "„" + x.German() + "“"
	}
	return "Sensor meldet " + strings.Join(words, " oder ")
}

func (p Implausible) german() string {
	var all []string
	if p.Outside != nil {
		all = append(all, "liegt nicht zwischen "+germanNumber(p.Outside.Min)+" und "+germanAmount(p.Outside.Max, p.Quantity))
	}
	if p.Stuck > 0 {
		all = append(all, "ist "+strconv.Itoa(p.Stuck)+"-mal derselbe Wert")
	}
	if p.Jump > 0 {
		all = append(all, "springt um mehr als "+germanAmount(p.Jump, p.Quantity)+" je Stunde")
	}
	return p.Quantity.German() + " " + strings.Join(all, " oder ")
}

func (a Aggregate) german() string {
	text := "Zahl der Mitglieder, für die das gilt, "
	if a.Percent {
		text = "Anteil der Mitglieder, für die das gilt, "
	}
	text += germanCompare[a.Condition.Compare] + " " + germanLimit(a, a.Condition.Limit)
	if a.Least > 0 {
		text += ", ab " + strconv.Itoa(a.Least) + " Mitgliedern"
	}
	return text
}

// germanLimit writes another limit for a condition that has one.
func germanLimit(s Signal, limit float64) string {
	switch s := s.(type) {
	case Threshold:
		return germanAmount(limit, s.Quantity)
	case Change:
		return germanAmount(limit, s.Quantity)
	case Rate:
		return germanAmount(limit, s.Quantity) + " je Stunde"
	case Forecast:
		return germanAmount(limit, s.Quantity)
	case Silence:
		return germanNumber(limit) + " Sendeabständen"
	case Aggregate:
		if s.Percent {
			return germanNumber(limit) + " %"
		}
	}
	return germanNumber(limit)
}

func germanNumber(f float64) string { return strings.Replace(number(rounded(f)), ".", ",", 1) }

func germanReliability(word string) string {
	switch word {
	case Low.String():
		return "gering"
	case Medium.String():
		return "mittel"
	case High.String():
		return "hoch"
	}
	return word
}
