package influx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"meldefunk/city"
)

// statements is how many deletions go into one request to InfluxDB 1.x.
const statements = 500

// point names what is in InfluxDB of one reading.
type point struct {
	devEUI city.EUI
	at     time.Time
}

// forget deletes the points of readings that stand in place of ones that said more: a point
// that is written again keeps the fields that it is not written with. It deletes the points
// of times that readings no longer have, too. Whoever is killed between this and the write
// does both again, because the cursor has not moved.
//
// A device has one point at a time, so device and time are enough to name it, whichever
// measurement, asset or model it was written under.
func (w *Writer) forget(ctx context.Context, batch []city.Reading) error {
	var gone []point
	for i := range batch {
		r := &batch[i]
		if r.Poorer || r.Withdrawn {
			gone = append(gone, point{r.DevEUI, r.Time.At})
		}
		for _, at := range r.Former {
			gone = append(gone, point{r.DevEUI, at})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	err := w.forgetEach(ctx, gone)
	if withoutDelete(err) {
		err = w.forgetByQuery(ctx, gone)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f := w.judge(err, nil)
	f.text = "delete a point before it is written anew: " + f.text
	if f.outcome == refused || f.outcome == tooLarge {
		f.outcome = unreachable // it says nothing about the reading
	}
	return f
}

// forgetEach uses the 2.x interface (InfluxDB 2.7 API reference, POST /api/v2/delete): start
// and stop are both included. A range is all that one request can name.
func (w *Writer) forgetEach(ctx context.Context, points []point) error {
	target := w.client.HTTPService().ServerAPIURL() + "delete?" + url.Values{"org": {w.cfg.Org}, "bucket": {w.cfg.Bucket}}.Encode()
	for _, p := range points {
		at := p.at.UTC().Format(time.RFC3339Nano)
		body, err := json.Marshal(map[string]string{"start": at, "stop": at, "predicate": `dev_eui="` + p.devEUI.String() + `"`})
		if err != nil {
			return err
		}
		if err := w.post(ctx, target, "application/json", body, nil); err != nil {
			return err
		}
	}
	return nil
}

// forgetByQuery uses InfluxQL (InfluxDB 1.8 documentation, "Delete series with DELETE"): 1.x
// takes writes at /api/v2/write and has no /api/v2/delete.
func (w *Writer) forgetByQuery(ctx context.Context, points []point) error {
	target, err := url.Parse(w.client.HTTPService().ServerAPIURL())
	if err != nil {
		return err
	}
	database, _, _ := strings.Cut(w.cfg.Bucket, "/") // a bucket of 1.x is "database/retention policy", or only the first
	target = target.JoinPath("../../query")
	for some := range slices.Chunk(points, statements) {
		var text strings.Builder
		for _, p := range some {
			fmt.Fprintf(&text, "DELETE WHERE dev_eui = '%s' AND time = %d;", p.devEUI, p.at.UnixNano())
		}
		form := url.Values{"db": {database}, "q": {text.String()}}.Encode()
		if err := w.post(ctx, target.String(), "application/x-www-form-urlencoded", []byte(form), statementErrors); err != nil {
			return err
		}
	}
	return nil
}

// post sends a body and gives the client library's error, which knows status and headers.
func (w *Writer) post(ctx context.Context, target, contentType string, body []byte, read func(*http.Response) error) error {
	err := w.client.HTTPService().DoPostRequest(ctx, target, bytes.NewReader(body), func(req *http.Request) {
		req.Header.Set("Content-Type", contentType)
	}, func(resp *http.Response) error {
		defer resp.Body.Close()
		if read != nil {
			return read(resp)
		}
		_, err := io.Copy(io.Discard, resp.Body) // so that the connection can be used again
		return err
	})
	if err != nil {
		return err // a pointer of the library's: given on as it is, none would not be nil
	}
	return nil
}

// statementErrors finds what went wrong in an answer of the 1.x interface, which has status
// 200 all the same.
func statementErrors(resp *http.Response) error {
	var answer struct {
		Results []struct {
			Error string `json:"error"`
		} `json:"results"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("the answer is not InfluxDB's: %w", err)
	}
	for _, result := range answer.Results {
		if result.Error != "" {
			return errors.New(result.Error)
		}
	}
	return nil
}

// withoutDelete tells whether an answer is that of InfluxDB 1.x, which has nothing at
// /api/v2/delete, or something else (Enterprise); where 2.x refuses it gives a code.
func withoutDelete(err error) bool {
	var answer *influxhttp.Error
	if !errors.As(err, &answer) || answer.Header.Get("X-Platform-Error-Code") != "" || answer.Header.Get("X-Influxdb-Version") == "" {
		return false
	}
	return answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusMethodNotAllowed || answer.StatusCode == http.StatusBadRequest
}
