package events

import (
	"strconv"
	"time"
)

// appendTime appends RFC 3339 in quotes with 0, 3, 6 or 9 digits of fraction and the zone
// given: "+00:00" by chrono, "Z" by protobuf. By hand, because Time.AppendFormat takes
// 2.5 times as long, five times per event.
func appendTime(b []byte, t time.Time, zone string) []byte {
	b = appendFraction(appendSeconds(append(b, '"'), t), t.Nanosecond())
	return append(append(b, zone...), '"')
}

// appendGoTime does the same without zeros at the end, as Go's time.Time.
func appendGoTime(b []byte, t time.Time) []byte {
	b = appendSeconds(append(b, '"'), t)
	if n := t.Nanosecond(); n != 0 {
		b = appendDigits(append(b, '.'), n, 9)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, `Z"`...)
}

func appendSeconds(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = appendDigits(b, year, 4)
	b = appendDigits(append(b, '-'), int(month), 2)
	b = appendDigits(append(b, '-'), day, 2)
	b = appendDigits(append(b, 'T'), hour, 2)
	b = appendDigits(append(b, ':'), minute, 2)
	return appendDigits(append(b, ':'), second, 2)
}

func appendFraction(b []byte, nanos int) []byte {
	switch {
	case nanos == 0:
		return b
	case nanos%1_000_000 == 0:
		return appendDigits(append(b, '.'), nanos/1_000_000, 3)
	case nanos%1_000 == 0:
		return appendDigits(append(b, '.'), nanos/1_000, 6)
	}
	return appendDigits(append(b, '.'), nanos, 9)
}

// appendDigits appends n with leading zeros.
func appendDigits(b []byte, n, width int) []byte {
	var digits [9]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(b, digits[:width]...)
}

// duration is one of protobuf's, which has seconds and nanoseconds.
type duration struct {
	seconds int64
	nanos   int
}

func durationOf(d time.Duration) duration {
	return duration{int64(d / time.Second), int(d % time.Second)}
}

// append appends it as JSON, like "1s" and "0.061696s".
func (d duration) append(b []byte) []byte {
	b = appendFraction(strconv.AppendInt(append(b, '"'), d.seconds, 10), d.nanos)
	return append(b, `s"`...)
}

// GPS time began on 1980-01-06 and has no leap seconds; UTC has had 18 since (IERS
// Bulletin C, last one at the end of 2016).
const (
	gpsEpoch    = 315_964_800 // Unix time
	leapSeconds = 18
)

// sinceGPS is the time since the GPS epoch, in the milliseconds that gateways report.
func sinceGPS(t time.Time) duration {
	return duration{t.Unix() - gpsEpoch + leapSeconds, t.Nanosecond() / 1_000_000 * 1_000_000}
}
