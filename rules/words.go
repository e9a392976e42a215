package rules

import (
	"math"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// part is a signal and what came out, for a record.
func part(s Signal, o Outcome) city.Part {
	p := city.Part{Text: s.String(), Value: "unknown", Truth: o.Truth.String()}
	if o.Truth != city.Unknown {
		p.Value = amount(rounded(o.Value), o.Quantity)
	}
	return p
}

// amount writes a value of a quantity: "93 %", "true".
func amount(value float64, q city.Quantity) string {
	if q.Boolean() {
		return strconv.FormatBool(value != 0)
	}
	return strings.TrimSpace(number(value) + " " + q.Unit())
}

// rounded is a computed figure with as many digits as somebody wants to read.
func rounded(f float64) float64 {
	if math.IsInf(f, 0) || math.Abs(f) > 1e12 {
		return f
	}
	return math.Round(f*1000) / 1000
}

// lasting writes a span of time as a rule file does: "1d12h", "0s".
func lasting(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	text, sign := "", ""
	if d < 0 {
		d, sign = -d, "-"
	}
	for _, u := range []struct {
		letter string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := d / u.length; n > 0 {
			text += strconv.FormatInt(int64(n), 10) + u.letter
			d -= n * u.length
		}
	}
	if d > 0 {
		text += number(d.Seconds()) + "s"
	}
	return sign + text
}
