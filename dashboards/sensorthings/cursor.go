package sensorthings

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// cursor says behind which entity a page begins: by what it is ordered, and its id. With it
// pages neither repeat nor leave out what was there all the time, whatever comes and goes
// meanwhile.
type cursor struct {
	keys []any // of $orderby: nil, bool, float64, string, time.Time
	id   int64
}

// cursorText is how a cursor is written: what the keys are, and the keys.
type cursorText struct {
	Keys []string `json:"k"`
	ID   int64    `json:"i"`
}

func (c *cursor) String() string {
	t := cursorText{Keys: make([]string, len(c.keys)), ID: c.id}
	for i, k := range c.keys {
		switch k := k.(type) {
		case bool:
			t.Keys[i] = "b" + strconv.FormatBool(k)
		case float64:
			t.Keys[i] = "n" + strconv.FormatFloat(k, 'g', -1, 64)
		case string:
			t.Keys[i] = "s" + k
		case time.Time:
			t.Keys[i] = "t" + strconv.FormatInt(k.UnixNano(), 10)
		}
	}
	b, err := json.Marshal(t)
	if err != nil {
		return "" // strings and numbers can always be written
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (*cursor, error) {
	wrong := errors.New("not a cursor")
	b, err := base64.RawURLEncoding.DecodeString(s)
	var t cursorText
	if err != nil || json.Unmarshal(b, &t) != nil {
		return nil, wrong
	}
	c := &cursor{id: t.ID, keys: make([]any, len(t.Keys))}
	for i, k := range t.Keys {
		if k == "" {
			continue
		}
		switch k[0] {
		case 'b':
			c.keys[i] = k == "btrue"
		case 'n':
			c.keys[i], err = strconv.ParseFloat(k[1:], 64)
		case 's':
			c.keys[i] = k[1:]
		case 't':
			var n int64
			n, err = strconv.ParseInt(k[1:], 10, 64)
			c.keys[i] = time.Unix(0, n).UTC()
		default:
			err = wrong
		}
		if err != nil {
			return nil, wrong
		}
	}
	return c, nil
}

// sortable makes a key of a value: one that can be ordered and written down.
func sortable(v any) any {
	switch v := v.(type) {
	case nil, bool, float64, string, time.Time:
		return v
	case interval:
		return v.from
	case time.Duration:
		return float64(v)
	}
	s, ok := text(v)
	if !ok {
		return nil
	}
	return s
}

// orderKeys orders keys of any sort: what is not there first, then truths, numbers, times,
// words.
func orderKeys(a, b any) int {
	if ra, rb := rank(a), rank(b); ra != rb {
		return order(ra, rb)
	}
	c, _ := compare(a, b, false)
	return c
}

func rank(v any) int64 {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case float64:
		return 2
	case time.Time:
		return 3
	}
	return 4
}

// before tells whether a stands before b in an order, below 0, or behind it.
func (c *cursor) before(b *cursor, orders []ordering) int {
	for i, o := range orders {
		n := orderKeys(c.keys[i], b.keys[i])
		if o.down {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return order(c.id, b.id)
}
