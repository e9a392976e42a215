package sim

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"meldefunk/city"
)

// Truth is a manifest, read back: for those who judge what was made of it.
type Truth struct {
	Uplinks  []SentUplink // in the order in which their fate was settled
	Episodes []Episode    // in the order they ended
}

// maxManifestLine is far more than a frame of 242 bytes and its values need.
const maxManifestLine = 64 << 10

// ReadManifest reads what a Manifest wrote. Values come by rising Quantity. Errors name the
// line; what was read before it is returned with them.
func ReadManifest(r io.Reader) (Truth, error) {
	var truth Truth
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxManifestLine)
	number := 0
	for lines.Scan() {
		number++
		if err := truth.add(lines.Bytes()); err != nil {
			return truth, fmt.Errorf("manifest, line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return truth, fmt.Errorf("manifest, line %d: %w", number+1, err)
	}
	return truth, nil
}

// manifestLine is either sort of line.
type manifestLine struct {
	Uplink  *string      `json:"uplink"`
	Episode *EpisodeKind `json:"episode"`
	Device  *city.EUI    `json:"device"`
	Asset   string       `json:"asset"`

	Epoch      uint32             `json:"epoch"`
	FCnt       uint32             `json:"fcnt"`
	At         time.Time          `json:"at"`
	World      map[string]float64 `json:"world"`
	Sent       map[string]float64 `json:"sent"`
	Port       uint8              `json:"port"`
	Payload    string             `json:"payload"`
	Lost       bool               `json:"lost"`
	Copies     int                `json:"copies"`
	Aired      time.Time          `json:"aired"`
	Until      time.Time          `json:"until"`
	ClockError string             `json:"clock_error"`
	Faults     []FaultKind        `json:"faults"`

	Threshold float64   `json:"threshold"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
}

func (truth *Truth) add(line []byte) error {
	var l manifestLine
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return err
	}
	if d.InputOffset() != int64(len(line)) {
		return errors.New("more than one object: want one on each line")
	}
	for _, at := range [...]time.Time{l.At, l.Aired, l.Until, l.From, l.To} {
		if year := at.UTC().Year(); year < 1 || year > 9999 {
			return fmt.Errorf("the year %d cannot be written", year)
		}
	}
	switch {
	case l.Device == nil:
		return errors.New(`"device" is missing`)
	case l.Uplink != nil && l.Episode == nil:
		u, err := l.uplink()
		if err != nil {
			return err
		}
		truth.Uplinks = append(truth.Uplinks, u)
	case l.Episode != nil && l.Uplink == nil:
		e, err := l.episode()
		if err != nil {
			return err
		}
		truth.Episodes = append(truth.Episodes, e)
	default:
		return errors.New(`want either "uplink" or "episode"`)
	}
	return nil
}

func (l *manifestLine) uplink() (SentUplink, error) {
	u := SentUplink{Device: *l.Device, Asset: l.Asset, Epoch: l.Epoch, FCnt: l.FCnt, At: l.At.UTC(),
		Port: l.Port, Lost: l.Lost, Copies: l.Copies, Aired: l.Aired, Until: l.Until, Faults: l.Faults}
	if u.ID() != *l.Uplink {
		return u, fmt.Errorf("uplink %.60q has device, epoch and fcnt of %s", *l.Uplink, u.ID())
	}
	if l.At.IsZero() {
		return u, errors.New(`"at" is missing`)
	}
	if !u.Aired.IsZero() {
		u.Aired = u.Aired.UTC()
	}
	if !u.Until.IsZero() {
		u.Until = u.Until.UTC()
	}
	if u.Copies < 0 || u.Copies > 100 {
		return u, fmt.Errorf("copies is %d: want 1 to 100", u.Copies)
	}
	if u.Copies == 0 && !u.Lost {
		u.Copies = 1
	}
	var err error
	if u.World, err = valuesOf(l.World); err != nil {
		return u, fmt.Errorf("world: %w", err)
	}
	if u.Sent, err = valuesOf(l.Sent); err != nil {
		return u, fmt.Errorf("sent: %w", err)
	}
	if u.Payload, err = hex.DecodeString(l.Payload); err != nil {
		return u, fmt.Errorf("payload: %w", err)
	}
	if l.ClockError != "" {
		if u.ClockError, err = time.ParseDuration(l.ClockError); err != nil {
			return u, fmt.Errorf("clock_error: %w", err)
		}
	}
	return u, nil
}

func (l *manifestLine) episode() (Episode, error) {
	e := Episode{Kind: *l.Episode, Asset: l.Asset, Device: *l.Device, Threshold: l.Threshold, From: l.From.UTC()}
	switch {
	case !slices.Contains(episodeKinds, e.Kind):
		return e, fmt.Errorf("unknown episode %.40q: want one of %v", string(e.Kind), episodeKinds)
	case l.From.IsZero():
		return e, errors.New(`"from" is missing`)
	case !l.To.IsZero() && l.To.Before(l.From):
		return e, errors.New(`"to" is before "from"`)
	}
	if !l.To.IsZero() {
		e.To = l.To.UTC()
	}
	return e, nil
}

func valuesOf(named map[string]float64) ([]city.Value, error) {
	var values []city.Value
	for name, number := range named {
		q, err := city.ParseQuantity(name)
		if err != nil {
			return nil, err
		}
		values = append(values, city.Value{Quantity: q, Number: number})
	}
	slices.SortFunc(values, func(a, b city.Value) int { return cmp.Compare(a.Quantity, b.Quantity) })
	return values, nil
}
