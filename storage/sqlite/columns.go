package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Flags of frames and readings; see schema.sql.
const (
	frameConfirmed = 1 << iota
	frameSimulated
	frameEncrypted
	frameConflict
)
const (
	readingLate = 1 << iota
	readingSimulated
	readingPoorer
	readingConflict
)

func bit(set bool, b int64) int64 {
	if set {
		return b
	}
	return 0
}

// nanos is how a time is kept; the zero time is NULL.
func nanos(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixNano()
}

func fromNanos(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(0, n.Int64).UTC()
}

// appendMeasured writes values as a JSON object: {"fill_level":82.5,"tilt":0}.
func appendMeasured(b []byte, values []city.Value) []byte {
	b = append(b, '{')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, v.Quantity.String()...)
		b = append(b, '"', ':')
		b = strconv.AppendFloat(b, v.Number, 'g', -1, 64)
	}
	return append(b, '}')
}

// parseMeasured reads what appendMeasured wrote, in the order of city.Quantities.
func parseMeasured(s string) ([]city.Value, error) {
	var m map[string]float64
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		return nil, fmt.Errorf("measured values %.80q: %w", s, err)
	}
	values := make([]city.Value, 0, len(m))
	for _, q := range city.Quantities() {
		if n, ok := m[q.String()]; ok {
			values = append(values, city.Value{Quantity: q, Number: n})
		}
	}
	return values, nil
}

func joinFaults(faults []city.Fault) string {
	switch len(faults) {
	case 0:
		return ""
	case 1:
		return string(faults[0])
	}
	var b strings.Builder
	for i, f := range faults {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(f))
	}
	return b.String()
}

func splitFaults(s string) []city.Fault {
	if s == "" {
		return nil
	}
	var faults []city.Fault
	for f := range strings.SplitSeq(s, ",") {
		faults = append(faults, city.Fault(f))
	}
	return faults
}
