package influxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
)

// Row is one point as InfluxDB gives it back.
type Row struct {
	Time   time.Time
	Tags   map[string]string
	Fields map[string]any // float64 (integers too), bool or string
}

// Readings gives every point of a measurement, ordered by time. The server must run.
func (s *Server) Readings(t testing.TB, measurement string) []Row {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	ask := s.byInfluxQL
	if s.Direct() {
		ask = s.byFlux
	}
	rows, err := ask(ctx, measurement)
	if err != nil {
		t.Fatalf("readings of %q: %v", measurement, err)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return a.Time.Compare(b.Time) })
	return rows
}

// prepare makes an empty bucket and, where influxd itself checks the token, its owner.
func (s *Server) prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.Direct() {
		if _, err := s.influxQL(ctx, fmt.Sprintf("CREATE USER %s WITH PASSWORD '%s' WITH ALL PRIVILEGES", user, password)); err != nil {
			return err
		}
	}
	_, err := s.influxQL(ctx, fmt.Sprintf("CREATE DATABASE %q", s.Bucket))
	return err
}

// Series is one series of an answer in InfluxQL.
type Series struct {
	Name    string            `json:"name"`
	Tags    map[string]string `json:"tags"`
	Columns []string          `json:"columns"`
	Values  [][]any           `json:"values"`
}

// InfluxQL asks influxd itself in InfluxQL. Numbers are json.Number, times are in ns.
func (s *Server) InfluxQL(ctx context.Context, q string) ([]Series, error) { return s.influxQL(ctx, q) }

// influxQL asks influxd itself through its 1.x interface.
func (s *Server) influxQL(ctx context.Context, q string) ([]Series, error) {
	form := url.Values{"q": {q}, "db": {s.Bucket}, "epoch": {"ns"}, "u": {user}, "p": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Error   string
		Results []struct {
			Error  string
			Series []Series
		}
	}
	numbers := json.NewDecoder(resp.Body)
	numbers.UseNumber() // a time in ns does not fit into a float64
	if err := numbers.Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", resp.Status, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", resp.Status, answer.Error)
	}
	var all []Series
	for _, result := range answer.Results {
		if result.Error != "" {
			return nil, fmt.Errorf("%s: %s", q, result.Error)
		}
		all = append(all, result.Series...)
	}
	return all, nil
}

func (s *Server) byInfluxQL(ctx context.Context, measurement string) ([]Row, error) {
	all, err := s.influxQL(ctx, fmt.Sprintf("SELECT * FROM %q GROUP BY *", measurement))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, one := range all {
		maps.DeleteFunc(one.Tags, func(_, value string) bool { return value == "" })
		for _, values := range one.Values {
			row := Row{Tags: one.Tags, Fields: map[string]any{}}
			for i, column := range one.Columns {
				number, isNumber := values[i].(json.Number)
				switch {
				case column == "time":
					ns, err := number.Int64()
					if err != nil {
						return nil, err
					}
					row.Time = time.Unix(0, ns).UTC()
				case isNumber:
					if row.Fields[column], err = number.Float64(); err != nil {
						return nil, err
					}
				case values[i] != nil:
					row.Fields[column] = values[i]
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// byFlux runs only with influxd 1.8 and newer; Debian's 1.6.7 has no Flux. Flux gives one
// record for each field: those of one series at one time are one row.
func (s *Server) byFlux(ctx context.Context, measurement string) ([]Row, error) {
	client := influxdb2.NewClient(s.URL, s.Token)
	defer client.Close()
	result, err := client.QueryAPI(s.Org).Query(ctx, fmt.Sprintf(
		`from(bucket: %q) |> range(start: 1970-01-01T00:00:00Z, stop: 2200-01-01T00:00:00Z) |> filter(fn: (r) => r._measurement == %q)`,
		s.Bucket, measurement))
	if err != nil {
		return nil, err
	}
	defer result.Close()
	rows := map[string]*Row{}
	for result.Next() {
		record := result.Record()
		tags := map[string]string{}
		for column, value := range record.Values() {
			if text, ok := value.(string); ok && text != "" && !strings.HasPrefix(column, "_") && column != "result" {
				tags[column] = text
			}
		}
		key := fmt.Sprint(record.Time().UnixNano(), tags)
		if rows[key] == nil {
			rows[key] = &Row{Time: record.Time().UTC(), Tags: tags, Fields: map[string]any{}}
		}
		value := record.Value()
		if number, ok := value.(int64); ok {
			value = float64(number)
		}
		rows[key].Fields[record.Field()] = value
	}
	if err := result.Err(); err != nil {
		return nil, err
	}
	all := make([]Row, 0, len(rows))
	for _, row := range rows {
		all = append(all, *row)
	}
	return all, nil
}
