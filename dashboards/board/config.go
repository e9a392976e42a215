package board

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/door"
)

// Config is the section "board" of the configuration file.
type Config struct {
	// Listen is host:port. Where other machines can reach it, TLS and a login are needed.
	Listen string `yaml:"listen"`

	// TLS is the board's certificate; without one it speaks plaintext, at this machine or to
	// a proxy on it.
	TLS door.TLS `yaml:"tls"`

	// Hosts are the names, without port, by which people call the board, beside
	// localhost. A request for any other name is refused: a foreign web page could
	// otherwise point its own name at this machine and read the board through a
	// visitor's browser (DNS rebinding).
	Hosts []string `yaml:"hosts"`

	// StaleAfter says how old a reading may be and still count as the present.
	StaleAfter StaleAfter `yaml:"stale_after"`

	// Map is what the map beside the worklist shows.
	Map Map `yaml:"map"`
	// Imprint says who answers for the board.
	Imprint Imprint `yaml:"imprint"`
}

// Map is what the map shows below the assets. It never calls a foreign server.
type Map struct {
	// Districts is a GeoJSON file of Polygons and MultiPolygons in WGS 84, "" for none, or
	// SampleDistricts.
	Districts string `yaml:"districts"`
	// NameProperty is the property of a feature that names the district; "": "name".
	NameProperty string `yaml:"name_property"`
	// Attribution is whose map it is, like "Stadt Osnabrück, dl-de/by-2-0".
	Attribution string `yaml:"attribution"`
}

// Name is the property that names a district.
func (m Map) Name() string { return cmp.Or(m.NameProperty, "name") }

// StaleAfter is an age per kind of asset. Three reporting periods are a good choice: one
// lost frame is everyday, three in a row are not.
type StaleAfter struct {
	Bin     time.Duration `yaml:"bin"`
	Soil    time.Duration `yaml:"soil"`
	Parking time.Duration `yaml:"parking"`
	Level   time.Duration `yaml:"level"`
	Weather time.Duration `yaml:"weather"`
	Air     time.Duration `yaml:"air"`
	People  time.Duration `yaml:"people"`
	Door    time.Duration `yaml:"door"`
	Tracker time.Duration `yaml:"tracker"`
	Light   time.Duration `yaml:"light"`
	Meter   time.Duration `yaml:"meter"`
}

// Of gives the age for a kind.
func (s StaleAfter) Of(k city.Kind) time.Duration { return s.of(k) }

// of gives the age for a kind; 0 for a kind without one, which then never gets stale.
func (s StaleAfter) of(k city.Kind) time.Duration {
	switch k {
	case city.Bin:
		return s.Bin
	case city.Soil:
		return s.Soil
	case city.Parking:
		return s.Parking
	case city.Level:
		return s.Level
	case city.Weather:
		return s.Weather
	case city.Air:
		return s.Air
	case city.People:
		return s.People
	case city.Door:
		return s.Door
	case city.Tracker:
		return s.Tracker
	case city.Light:
		return s.Light
	case city.Meter:
		return s.Meter
	}
	return 0
}

// DefaultConfig listens on loopback. Six hours for parking is the habit of the public
// clients of Osnabrück's parking data; 24 hours is three times a period of eight. Stations
// report at least every hour; doors and trackers that nobody moves, and meters, once a day.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:8080",
		StaleAfter: StaleAfter{
			Bin: 24 * time.Hour, Soil: 24 * time.Hour, Parking: 6 * time.Hour, Level: 24 * time.Hour,
			Weather: 3 * time.Hour, Air: 3 * time.Hour, People: 24 * time.Hour, Door: 72 * time.Hour, Tracker: 72 * time.Hour,
			Light: 24 * time.Hour, Meter: 72 * time.Hour,
		},
	}
}

// Validate returns every problem, joined.
func (c Config) Validate() error {
	var errs []error
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		errs = append(errs, fmt.Errorf("listen: %q is not host:port, like 127.0.0.1:8080", c.Listen))
	} else {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			errs = append(errs, fmt.Errorf("listen: port %q: want a number from 0 to 65535, got it from %q", port, c.Listen))
		} else if !loopback(host) && c.TLS.CertFile == "" {
			errs = append(errs, fmt.Errorf("listen: %q can be reached from the network, and without tls everybody on the way can read passwords: give tls.cert_file and tls.key_file, or listen on 127.0.0.1:%s", c.Listen, port))
		}
	}
	errs = append(errs, c.TLS.Validate(), c.Imprint.Validate())
	if c.Reachable() && len(c.Hosts) == 0 {
		errs = append(errs, errors.New("hosts: missing: name what people call the board by, like board.example.org"))
	}
	for i, h := range c.Hosts {
		if h == "" || strings.ContainsAny(h, "/ *") || strings.Contains(h, ":") && net.ParseIP(h) == nil {
			errs = append(errs, fmt.Errorf("hosts[%d]: %q: want a name or an address without scheme, port or wildcard, like board.example.org", i, h))
		}
	}
	for _, k := range city.Kinds() {
		if d := c.StaleAfter.of(k); d < time.Minute {
			errs = append(errs, fmt.Errorf("stale_after.%s: %v: want at least 1m, like 24h", k, d))
		}
	}
	return errors.Join(errs...)
}

// Reachable tells whether other machines can reach the board, so that people must log in.
func (c Config) Reachable() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && !loopback(host)
}

// loopback tells whether a listening host is reachable from this machine only.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
