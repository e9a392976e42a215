package influx

import (
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
)

// appendLine renders a reading as one line of InfluxDB line protocol (InfluxDB 2.7
// documentation, "Line protocol"), with the newline. What becomes a tag and what a field:
// docs/influxdb.md. The field fcnt is always there, so a reading that is nothing but
// faults is a point too.
func appendLine(b []byte, r *city.Reading) []byte {
	b = append(b, r.Kind.String()...)
	if r.Asset != "" {
		b = append(b, ",asset="...)
		b = appendTag(b, r.Asset)
	}
	b = append(b, ",dev_eui="...)
	b = append(b, r.DevEUI.String()...)
	if r.Model != "" {
		b = append(b, ",model="...)
		b = appendTag(b, r.Model)
	}
	b = append(b, " fcnt="...)
	b = appendInteger(b, int64(r.FCnt))
	for _, v := range r.Values {
		b = appendValue(b, v)
	}
	b = appendRadio(b, &r.Radio)
	b = append(b, ",late="...)
	b = strconv.AppendBool(b, r.Late)
	if r.Simulated {
		b = append(b, ",simulated=true"...)
	}
	if r.Conflict {
		b = append(b, ",conflict=true"...)
	}
	if len(r.Faults) > 0 {
		b = append(b, `,faults="`...)
		for i, f := range r.Faults {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, string(f))
		}
		b = append(b, '"')
	}
	b = append(b, `,time_source="`...)
	b = append(b, r.Time.Source.String()...)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, r.Time.At.UnixNano(), 10)
	return append(b, '\n')
}

// appendValue leaves out what line protocol cannot say: not a number, infinite.
func appendValue(b []byte, v city.Value) []byte {
	if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
		return b
	}
	b = append(b, ',')
	b = append(b, v.Quantity.String()...)
	b = append(b, '=')
	if v.Quantity.Boolean() {
		return strconv.AppendBool(b, v.Number != 0)
	}
	return strconv.AppendFloat(b, v.Number, 'f', -1, 64)
}

// appendRadio leaves out what no gateway told.
func appendRadio(b []byte, r *city.Radio) []byte {
	b = append(b, ",gateways="...)
	b = appendInteger(b, int64(r.Gateways))
	if r.Gateways > 0 {
		b = append(b, ",rssi="...)
		b = appendInteger(b, int64(r.RSSI))
		b = append(b, ",snr="...)
		b = strconv.AppendFloat(b, float64(r.SNR), 'f', -1, 32)
	}
	if r.SpreadingFactor > 0 {
		b = append(b, ",sf="...)
		b = appendInteger(b, int64(r.SpreadingFactor))
	}
	return b
}

func appendInteger(b []byte, i int64) []byte {
	return append(strconv.AppendInt(b, i, 10), 'i')
}

// appendTag escapes a tag value. Line protocol has no escape for a backslash in a tag (it
// would swallow the comma behind it) nor for a line break: they become "/" and a blank.
func appendTag(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == ',' || r == '=' || r == ' ':
			b = append(b, '\\', byte(r))
		case r == '\\':
			b = append(b, '/')
		case unicode.IsControl(r):
			b = append(b, '\\', ' ')
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// appendString escapes what stands between the quotes of a string field. Control
// characters become blanks: not every reader of line protocol allows them.
func appendString(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case unicode.IsControl(r):
			b = append(b, ' ')
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
