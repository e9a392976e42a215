package influx

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"meldefunk/city"
)

const (
	// placeLook is how often RunPlaces looks whether places have changed, or a day has begun.
	placeLook = time.Minute
	// placeBatch is how many places go into one write.
	placeBatch = 5000
)

// RunPlaces writes where assets are, until ctx ends, and returns nil then: one point of the
// measurement place for each asset, at the beginning of every day (UTC) and whenever assets
// give something else. Boards ask readings by district with them, because readings do not
// carry what may change while the history stays. What InfluxDB does not take is tried again;
// readings never wait for it. Assets must not block; what it gives is not changed.
func (w *Writer) RunPlaces(ctx context.Context, assets func() []*city.Asset) error {
	defer w.enter()()
	look := time.NewTicker(placeLook)
	defer look.Stop()
	var written []byte
	failing := false
	for {
		// At the same time of day a place that was written again replaces the former one.
		lines := renderPlaces(assets(), w.now().UTC().Truncate(24*time.Hour))
		if !bytes.Equal(lines, written) {
			switch err := w.writePlaces(ctx, lines); {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				if !failing {
					w.log.Warn().Str("error", w.carrier.redact(err.Error())).Msg("InfluxDB does not take the places of assets now; boards show the former ones")
				}
				failing = true
			default:
				written, failing = lines, false
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// writePlaces writes lines, some at a time.
func (w *Writer) writePlaces(ctx context.Context, lines []byte) error {
	for len(lines) > 0 {
		end := 0
		for range placeBatch {
			next := bytes.IndexByte(lines[end:], '\n')
			if next < 0 {
				break
			}
			end += next + 1
		}
		if err := w.api.WriteRecord(ctx, string(bytes.TrimSuffix(lines[:end], []byte("\n")))); err != nil {
			return err
		}
		lines = lines[end:]
	}
	return nil
}

// renderPlaces gives a line for each asset. Every text is there, also an empty one, so that a
// place that is written again keeps nothing of the former one. Only the position of one that
// was not surveyed is absent, and a position that was taken back stays until the next day.
func renderPlaces(assets []*city.Asset, at time.Time) []byte {
	var b []byte
	for _, a := range assets {
		b = append(b, "place,asset="...)
		b = appendTag(b, a.ID)
		for j, text := range [...]struct{ field, value string }{
			{"id", a.ID}, {"kind", a.Kind.String()}, {"name", a.Name}, {"district", a.District}, {"tour", a.Tour},
		} {
			if j == 0 {
				b = append(b, ' ')
			} else {
				b = append(b, ',')
			}
			b = append(b, text.field...)
			b = append(b, `="`...)
			b = appendString(b, text.value)
			b = append(b, '"')
		}
		if a.Position != nil {
			b = append(b, ",latitude="...)
			b = strconv.AppendFloat(b, a.Position.Lat, 'f', -1, 64)
			b = append(b, ",longitude="...)
			b = strconv.AppendFloat(b, a.Position.Lon, 'f', -1, 64)
		}
		b = append(b, ' ')
		b = strconv.AppendInt(b, at.UnixNano(), 10)
		b = append(b, '\n')
	}
	return b
}
