package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/dashboards/access"
	"meldefunk/dashboards/board"
	"meldefunk/dashboards/grafana"
	"meldefunk/dashboards/opendata"
	"meldefunk/decoders/javascript"
	"meldefunk/devices/keys"
	"meldefunk/gateway-bridge/listener"
	"meldefunk/gateway-bridge/webhook"
	"meldefunk/pipeline"
	"meldefunk/rules/calendar"
	"meldefunk/storage/influx"
	"meldefunk/tickets"
)

// settings is the configuration file. Each section belongs to the package it configures;
// here they are only put side by side.
type settings struct {
	// Data is the folder of the database. One process at a time uses it.
	Data string `yaml:"data"`
	// Inventory are the files that say which device hangs where.
	Inventory []string `yaml:"inventory"`
	// Rules is the file of rules; empty: the shipped ones.
	Rules string `yaml:"rules"`
	// TimeZone is that of times shown to people, an IANA name.
	TimeZone string `yaml:"time_zone"`
	// Holidays is the German state whose holidays count for the hours of tickets, "NI";
	// ExtraHolidays are days of every year beside them, "12-24". Rules have their own.
	Holidays      string   `yaml:"holidays"`
	ExtraHolidays []string `yaml:"extra_holidays"`

	NetworkServers []networkServer `yaml:"network_servers"`
	Keys           keys.Config     `yaml:"keys"`
	JoinServer     joinServer      `yaml:"join_server"`
	Webhooks       webhook.Config  `yaml:"webhooks"`
	MQTTListener   listener.Config `yaml:"mqtt_listener"`
	Codecs         codecSettings   `yaml:"codecs"`
	Road           pipeline.Config `yaml:"road"`
	InfluxDB       influx.Config   `yaml:"influxdb"`
	Tickets        tickets.Config  `yaml:"tickets"`
	Board          board.Config    `yaml:"board"`
	Grafana        grafana.Config  `yaml:"grafana"`
	Access         access.Config   `yaml:"access"`
	OpenData       openData        `yaml:"open_data"`
	Retention      retention       `yaml:"retention"`
	Log            logSettings     `yaml:"log"`

	file string // the configuration file itself, for messages
}

// retention says how long what need not stay is kept. Cases stay.
type retention struct {
	Frames   time.Duration `yaml:"frames"`    // raw uplinks, for decoding again
	Readings time.Duration `yaml:"readings"`  // 0: for ever
	SetAside time.Duration `yaml:"set_aside"` // messages that could not be processed
	Events   time.Duration `yaml:"events"`    // what was told of devices beside their frames
	// Decisions of rules, and why; those of open cases stay.
	Decisions time.Duration `yaml:"decisions"`
}

// codecSettings say where JavaScript codecs lie, and how they are kept in bounds.
type codecSettings struct {
	Folder            string `yaml:"folder"` // mapping files and their scripts; empty: none
	javascript.Config `yaml:",inline"`
}

type logSettings struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // json or text
}

func defaultSettings() settings {
	return settings{
		Data:         "data",
		TimeZone:     "Europe/Berlin",
		Holidays:     "NI",
		Codecs:       codecSettings{Config: javascript.DefaultConfig()},
		JoinServer:   defaultJoinServer(),
		Webhooks:     webhook.DefaultConfig(),
		MQTTListener: listener.DefaultConfig(),
		Road:         pipeline.DefaultConfig(),
		InfluxDB:     influx.DefaultConfig(),
		Tickets:      tickets.DefaultConfig(),
		Board:        board.DefaultConfig(),
		Grafana:      grafana.DefaultConfig(),
		Access:       access.DefaultConfig(),
		OpenData:     openData{Config: opendata.DefaultConfig()},
		Retention:    retention{Frames: 30 * 24 * time.Hour, SetAside: 90 * 24 * time.Hour, Events: 90 * 24 * time.Hour, Decisions: 365 * 24 * time.Hour},
		Log:          logSettings{Level: "info", Format: "json"},
	}
}

// loadSettings reads a configuration file over the defaults and gives every problem, each
// with file and line.
func loadSettings(path string) (settings, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return settings{}, usageError{fmt.Errorf("read configuration: %w (meldefunk config prints a sample)", err)}
	}
	s, err := parseSettings(path, data)
	if err != nil {
		return s, usageError{err}
	}
	return s, nil
}

func parseSettings(path string, data []byte) (settings, error) {
	s := defaultSettings()
	s.file = path
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	switch err := dec.Decode(&s); {
	case errors.Is(err, io.EOF):
		return s, fmt.Errorf("%s: the file is empty: meldefunk config prints a sample", path)
	case err != nil:
		return s, explainYAML(path, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return s, fmt.Errorf("%s: a second document begins after ---: only one is read, put everything into the first", path)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return s, explainYAML(path, err)
	}
	return s, locate(path, &root, s.validate())
}

// yamlLine finds where the parser puts its finger.
var yamlLine = regexp.MustCompile(`^line (\d+): (.*)$`)

// hints turn the parser's words into what to do.
var hints = []struct{ has, hint string }{
	{"into time.Duration", "a duration needs a unit, like 30s, 5m or 168h"},
	{"not found in type", "unknown key; meldefunk config shows the known ones"},
	{"already set in map", "the key stands twice"},
	{"already defined at line", "the key stands twice"},
	{"did not find expected", "check indentation and quotes"},
}

// explainYAML gives the parser's problems one by one as file:line: problem (hint).
func explainYAML(path string, err error) error {
	texts := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		texts = typed.Errors
	}
	var errs []error
	for _, text := range texts {
		where := path
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			where, text = path+":"+m[1], m[2]
		}
		for _, h := range hints {
			if strings.Contains(text, h.has) {
				text += " (" + h.hint + ")"
				break
			}
		}
		text = strings.Replace(text, " in type main.settings", " in the file", 1)
		text = strings.Replace(text, " in type main.networkServer", " of a network server", 1)
		errs = append(errs, fmt.Errorf("%s: %s", where, keyDigits.ReplaceAllString(text, "(digits as of a key)")))
	}
	return errors.Join(errs...)
}

// keyDigits may be a key in the wrong place.
var keyDigits = regexp.MustCompile(`[0-9A-Fa-f]{24,}`)

// problem is something wrong at a path of keys, like network_servers.0.broker.
type problem struct {
	path []string
	err  error
}

// validate gives every problem of every section.
func (s *settings) validate() []problem {
	var all []problem
	section := func(err error, path ...string) {
		for _, e := range flatten(err) {
			all = append(all, problem{path, e})
		}
	}
	if s.Data == "" {
		section(errors.New("data: missing; name the folder for the database"))
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "" {
		section(fmt.Errorf("time_zone: %q is no time zone, want a name like Europe/Berlin", s.TimeZone))
	}
	_, err := s.holidays()
	section(err)
	if len(s.NetworkServers) == 0 {
		section(errors.New("network_servers: missing; name at least one"))
	}
	names := map[string]bool{}
	for i := range s.NetworkServers {
		c := &s.NetworkServers[i]
		section(c.Validate(), "network_servers", fmt.Sprint(i))
		if names[c.Name] {
			section(fmt.Errorf("name: %q stands twice; each network server needs its own", c.Name), "network_servers", fmt.Sprint(i))
		}
		names[c.Name] = true
		if c.Provisioning != nil {
			section(c.Provisioning.validate(c.Name), "network_servers", fmt.Sprint(i), "provisioning")
		}
	}
	section(s.Keys.Validate(), "keys")
	section(s.JoinServer.validate(s.Keys), "join_server")
	section(s.Webhooks.Validate(), "webhooks")
	section(s.MQTTListener.Validate(), "mqtt_listener")
	section(s.Codecs.Validate(), "codecs")
	section(s.Road.Validate(), "road")
	section(s.InfluxDB.Validate(), "influxdb")
	section(s.Tickets.Validate(), "tickets")
	section(s.Board.Validate(), "board")
	section(s.Grafana.Validate(), "grafana")
	if s.Board.Reachable() && !s.Access.Wanted() {
		section(fmt.Errorf("listen: %q can be reached from the network, and nobody would have to log in: give access.users_file or access.openid, or listen at this machine", s.Board.Listen), "board")
	}
	section(s.Access.Validate(), "access")
	section(s.OpenData.validate(), "open_data")
	section(s.Retention.validate(), "retention")
	section(s.Log.validate(), "log")
	return all
}

// holidays are those that count for the hours of tickets.
func (s *settings) holidays() (h calendar.Holidays, err error) {
	if h.State, err = calendar.ParseState(s.Holidays); err != nil {
		return h, fmt.Errorf("holidays: %w", err)
	}
	for _, text := range s.ExtraHolidays {
		day, err := calendar.ParseMonthDay(text)
		if err != nil {
			return h, fmt.Errorf("extra_holidays: %w", err)
		}
		h.Extra = append(h.Extra, day)
	}
	return h, nil
}

func (r retention) validate() error {
	var errs []error
	if r.Frames < 24*time.Hour {
		errs = append(errs, fmt.Errorf("frames: %s is too short: repeats are recognised by them; want at least 24h", r.Frames))
	}
	if r.Readings != 0 && r.Readings < r.Frames {
		errs = append(errs, fmt.Errorf("readings: %s is shorter than frames, %s: decoding those again would bring deleted readings back; want 0 (for ever) or at least as long", r.Readings, r.Frames))
	}
	if r.SetAside < time.Hour {
		errs = append(errs, fmt.Errorf("set_aside: %s is too short: somebody must be able to look; want at least 1h", r.SetAside))
	}
	if r.Events < time.Hour {
		errs = append(errs, fmt.Errorf("events: %s is too short: somebody must be able to look; want at least 1h", r.Events))
	}
	if r.Decisions < 24*time.Hour {
		errs = append(errs, fmt.Errorf("decisions: %s is too short: people ask why a case was opened when they see it; want at least 24h", r.Decisions))
	}
	return errors.Join(errs...)
}

func (l logSettings) validate() error {
	var errs []error
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		errs = append(errs, fmt.Errorf("level: %q, want debug, info, warn or error", l.Level))
	}
	if l.Format != "json" && l.Format != "text" {
		errs = append(errs, fmt.Errorf("format: %q, want json or text", l.Format))
	}
	return errors.Join(errs...)
}

// flatten gives the single errors of a joined one.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

// ofSection puts the name of a section before each problem.
func ofSection(name string, err error) error {
	var errs []error
	for _, e := range flatten(err) {
		errs = append(errs, fmt.Errorf("%s: %w", name, e))
	}
	return errors.Join(errs...)
}

// firstWords finds the keys that a problem's text begins with, like "tls: ca_file: ...".
var firstWords = regexp.MustCompile(`[a-z0-9_][a-z0-9_-]*`)

// locate puts file and line before each problem. A problem's text begins with the keys it
// is about.
func locate(file string, root *yaml.Node, problems []problem) error {
	var errs []error
	for _, p := range problems {
		section := strings.Join(p.path, ".")
		text := strings.TrimPrefix(p.err.Error(), section+": ")
		line := lineOf(root, append(slices.Clone(p.path), firstWords.FindAllString(text, 3)...))
		if section != "" {
			text = section + ": " + text
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s", file, line, text))
	}
	return errors.Join(errs...)
}

// lineOf gives the line of a path of keys, or of the deepest part of it that is there.
func lineOf(n *yaml.Node, path []string) int {
	line := max(n.Line, 1)
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	for _, key := range path {
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == key {
					line, next = n.Content[i].Line, n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			for i, item := range n.Content {
				if fmt.Sprint(i) == key {
					line, next = item.Line, item
				}
			}
		}
		if next == nil {
			return line
		}
		n = next
	}
	return line
}
