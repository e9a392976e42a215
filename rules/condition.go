package rules

import (
	"fmt"
	"strconv"
	"strings"

	"meldefunk/city"
)

// Compare is how a value is compared with a limit.
type Compare uint8

// The comparisons. Numbers have the first four: measured numbers are never just equal.
// Yes-or-no quantities have Equal only.
const (
	AtLeast Compare = iota
	Above
	AtMost
	Below
	Equal
)

var compareSigns = [...]string{AtLeast: ">=", Above: ">", AtMost: "<=", Below: "<", Equal: "="}

// String is the sign as it stands in a rule file.
func (c Compare) String() string {
	if int(c) < len(compareSigns) {
		return compareSigns[c]
	}
	return "?"
}

// upward tells whether big values meet the comparison.
func (c Compare) upward() bool { return c == AtLeast || c == Above }

// Condition compares a value with a limit. Both are in the unit of the rule's quantity;
// for a yes-or-no quantity the limit is 1 or 0.
type Condition struct {
	Compare Compare
	Limit   float64
}

// Met tells whether the condition is true of a value.
func (c Condition) Met(value float64) bool {
	switch c.Compare {
	case AtLeast:
		return value >= c.Limit
	case Above:
		return value > c.Limit
	case AtMost:
		return value <= c.Limit
	case Below:
		return value < c.Limit
	case Equal:
		return value == c.Limit
	}
	return false
}

// In writes the condition for a quantity as it stands in a rule file: ">= 90 %".
func (c Condition) In(q city.Quantity) string {
	if q.Boolean() {
		return c.Compare.String() + " " + strconv.FormatBool(c.Limit != 0)
	}
	return strings.TrimSpace(c.Compare.String() + " " + number(c.Limit) + " " + q.Unit())
}

// opposite is the condition that is true of exactly the other values.
func (c Condition) opposite() Condition {
	switch c.Compare {
	case AtLeast:
		return Condition{Below, c.Limit}
	case Above:
		return Condition{AtMost, c.Limit}
	case AtMost:
		return Condition{Above, c.Limit}
	case Below:
		return Condition{AtLeast, c.Limit}
	}
	return Condition{Equal, 1 - c.Limit}
}

// overlaps tells whether some value meets both conditions.
func (c Condition) overlaps(d Condition) bool {
	switch {
	case c.Compare == Equal:
		return d.Met(c.Limit)
	case d.Compare == Equal:
		return c.Met(d.Limit)
	case c.Compare.upward() == d.Compare.upward():
		return true
	}
	up, down := c, d
	if d.Compare.upward() {
		up, down = d, c
	}
	return up.Limit < down.Limit || (up.Met(down.Limit) && down.Met(up.Limit))
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// parseCondition reads a comparison, a number and the quantity's unit, like ">= 90 %";
// for a yes-or-no quantity "= true" or "= false", where yes, ja, no and nein do as well.
func parseCondition(text string, q city.Quantity) (Condition, error) {
	if q.Boolean() {
		sign, rest := cutSign(text)
		return parseYesNo(sign, rest, text, q)
	}
	c, err := parseComparison(text, unit{q.String(), q.Unit(), example(q)})
	if err != nil {
		return c, err
	}
	return c, c.checkReach(q)
}

// unit is what a number in a rule file is in.
type unit struct {
	of      string // "fill_level"
	name    string // "%", "": none
	example string // "10 %"
}

// parseComparison reads a comparison and a number with its unit.
func parseComparison(text string, u unit) (c Condition, err error) {
	sign, rest := cutSign(text)
	switch sign {
	case ">=", "≥":
		c.Compare = AtLeast
	case ">":
		c.Compare = Above
	case "<=", "≤":
		c.Compare = AtMost
	case "<":
		c.Compare = Below
	case "=":
		return c, fmt.Errorf("%.40q: measured numbers are never just equal: compare with >=, >, <= or <", text)
	default:
		return c, fmt.Errorf("%.40q begins with no comparison: want >=, >, <= or <, like %q", text, ">= "+u.example)
	}
	c.Limit, err = parseNumber(text, rest, sign+" ", u)
	return c, err
}

// parseAmount reads a number with its unit, like "90 %".
func parseAmount(text string, u unit) (float64, error) {
	return parseNumber(text, strings.TrimSpace(text), "", u)
}

// parseNumber reads the rest of a text, after a sign.
func parseNumber(text, rest, sign string, u unit) (float64, error) {
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "+-0123456789.,"))]
	if strings.Contains(digits, ",") {
		return 0, fmt.Errorf("%.40q: write the number with a decimal point and without separators, like 3.5", text)
	}
	value, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		if sign == "" {
			return 0, fmt.Errorf("%.40q is no number: want something like %q", text, u.example)
		}
		return 0, fmt.Errorf("%.40q has no number after the comparison: want something like %q", text, sign+u.example)
	}
	switch name := canonicalUnit(strings.TrimSpace(rest[len(digits):])); {
	case name == "" && u.name != "":
		right := strings.TrimSpace(strings.TrimSpace(sign) + " " + number(value) + " " + u.name)
		return 0, fmt.Errorf("%.40q has no unit: %s is in %s, write %q", text, u.of, u.name, right)
	case name != u.name && u.name == "":
		return 0, fmt.Errorf("unit %.20q does not fit: %s has none, write something like %q", name, u.of, sign+u.example)
	case name != u.name:
		return 0, fmt.Errorf("unit %.20q does not fit: %s is in %s, write something like %q", name, u.of, u.name, sign+u.example)
	}
	return value, nil
}

// checkReach refuses limits that no value can reach, and conditions that every value or
// none would meet: such a rule is a slip of the pen.
func (c Condition) checkReach(q city.Quantity) error {
	lowest, highest := q.Range()
	switch {
	case c.Limit < lowest || c.Limit > highest:
		return fmt.Errorf("%q is out of reach: %s goes from %s to %s %s", c.In(q), q, number(lowest), number(highest), q.Unit())
	case !c.Met(lowest) && !c.Met(highest):
		return fmt.Errorf("%q can never be true: %s goes from %s to %s %s", c.In(q), q, number(lowest), number(highest), q.Unit())
	case c.Met(lowest) && c.Met(highest):
		return fmt.Errorf("%q is always true: %s goes from %s to %s %s", c.In(q), q, number(lowest), number(highest), q.Unit())
	}
	return nil
}

func parseYesNo(sign, word, text string, q city.Quantity) (Condition, error) {
	if sign == "=" {
		switch strings.ToLower(word) {
		case "true", "yes", "ja":
			return Condition{Equal, 1}, nil
		case "false", "no", "nein":
			return Condition{Equal, 0}, nil
		}
	}
	return Condition{}, fmt.Errorf("%.40q does not fit: %s is yes or no, write \"= true\" or \"= false\"", text, q)
}

// cutSign takes the comparison off the front; "" if there is none.
func cutSign(text string) (sign, rest string) {
	text = strings.TrimSpace(text)
	for _, s := range []string{">=", "≥", ">", "<=", "≤", "<", "="} {
		if rest, ok := strings.CutPrefix(text, s); ok {
			return s, strings.TrimSpace(rest)
		}
	}
	return "", text
}

// canonicalUnit makes one of the ways in which keyboards write a unit: µ is U+00B5 here,
// many type the Greek letter or a plain u.
func canonicalUnit(u string) string {
	switch u {
	case "μS/cm", "uS/cm":
		return "µS/cm"
	}
	return strings.ReplaceAll(u, " ", "")
}

// example is a value of a quantity as it may stand in a rule.
func example(q city.Quantity) string {
	lowest, highest := q.Range()
	return strings.TrimSpace(number(float64(int(lowest+(highest-lowest)/10))) + " " + q.Unit())
}
