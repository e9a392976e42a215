package grafana

import "fmt"

// Grafana's alerts are about the platform only. When a bin is full or a tree is dry is the
// rules' business: they know calendars, hold and doubt, and a second judge would contradict
// them. What they open is on the board and in the ticket system.

// The file of alerts (Grafana documentation, "Provision alerting resources", file).
type alertFile struct {
	APIVersion int          `yaml:"apiVersion"`
	Groups     []alertGroup `yaml:"groups"`
}

type alertGroup struct {
	OrgID    int     `yaml:"orgId"`
	Name     string  `yaml:"name"`
	Folder   string  `yaml:"folder"`
	Interval string  `yaml:"interval"`
	Rules    []alert `yaml:"rules"`
}

type alert struct {
	UID          string            `yaml:"uid"`
	Title        string            `yaml:"title"`
	Condition    string            `yaml:"condition"`
	For          string            `yaml:"for"`
	NoDataState  string            `yaml:"noDataState"`
	ExecErrState string            `yaml:"execErrState"`
	Labels       map[string]string `yaml:"labels"`
	Annotations  map[string]string `yaml:"annotations"`
	Data         []alertQuery      `yaml:"data"`
}

type alertQuery struct {
	RefID             string         `yaml:"refId"`
	DatasourceUID     string         `yaml:"datasourceUid"`
	RelativeTimeRange relativeRange  `yaml:"relativeTimeRange"`
	Model             map[string]any `yaml:"model"`
}

type relativeRange struct {
	From int `yaml:"from"` // seconds before now
	To   int `yaml:"to"`
}

// alerting gives an alert for silence, which InfluxDB knows, and those that Prometheus does.
func (m maker) alerting() alertFile {
	group := alertGroup{OrgID: 1, Name: "Meldefunk", Folder: m.cfg.Folder, Interval: "1m"}
	silence := m.ask(trend{measurement: binKind, field: "fcnt", with: "count", every: "10m"})[0]
	group.Rules = append(group.Rules, m.alert("stille", "Keine Messwerte mehr", "Seit einer Stunde kam kein Messwert eines Behälters in InfluxDB an: Funk, Netzserver, Plattform oder InfluxDB stehen.",
		"critical", "10m", "Alerting", m.influxQuery(silence), "sum", "lt", 1))
	if m.cfg.Prometheus != "" {
		for _, a := range []struct {
			name, title, what, severity, lasts, expr, op string
			bound                                        float64
		}{
			{"netzserver", "Netzserver getrennt", "Eine MQTT-Sitzung steht seit zehn Minuten nicht. Der Broker hebt nur begrenzt auf.", "critical", "10m", "min(meldefunk_bridge_connected)", "lt", 1},
			{"speicher", "Die Datenbank nimmt nichts an", "Es wird nichts quittiert. Meist ist die Platte voll.", "critical", "2m", "max(meldefunk_road_store_failures)", "gt", 0},
			{"vorrat", "Der Vorrat für InfluxDB läuft voll", "Mehr als 80 % dessen, was auf InfluxDB warten darf.", "warning", "10m", "max(meldefunk_influx_spool_ratio)", "gt", 0.8},
			{"ticketsystem", "Ticketsystem nicht erreichbar", "Seit einer Stunde. Es geht nichts verloren, aber niemand wird verständigt.", "warning", "1h", "max(meldefunk_ticket_system_down)", "gt", 0},
			{"bremse", "Die Bremse hält Meldungen zurück", "Eine Regel öffnet ungewöhnlich viele Meldungen. Jemand muss sie freigeben oder die Regel ändern.", "warning", "15m", "max(meldefunk_road_held_cases)", "gt", 0},
		} {
			query := alertQuery{"A", prometheusUID, relativeRange{600, 0}, map[string]any{"refId": "A", "expr": a.expr, "instant": true}}
			group.Rules = append(group.Rules, m.alert(a.name, a.title, a.what, a.severity, a.lasts, "OK", query, "last", a.op, a.bound))
		}
	}
	return alertFile{1, []alertGroup{group}}
}

func (m maker) influxQuery(t target) alertQuery {
	model := map[string]any{"refId": "A", "query": t.Query}
	if t.RawQuery {
		model["rawQuery"], model["resultFormat"] = true, t.ResultFormat
	}
	return alertQuery{"A", influxUID, relativeRange{3600, 0}, model}
}

// alert compares what a query gives, reduced to one number, with a bound.
func (m maker) alert(name, title, what, severity, lasts, noData string, query alertQuery, reducer, op string, bound float64) alert {
	expression := map[string]any{"type": "__expr__", "uid": "__expr__"}
	a := alert{
		UID: uidPrefix + name, Title: title, Condition: "C", For: lasts, NoDataState: noData, ExecErrState: "Error",
		Labels: map[string]string{"severity": severity, "von": mark}, Annotations: map[string]string{"summary": what},
		Data: []alertQuery{query,
			{"B", "__expr__", relativeRange{}, map[string]any{"refId": "B", "type": "reduce", "reducer": reducer, "expression": "A", "datasource": expression}},
			{"C", "__expr__", relativeRange{}, map[string]any{"refId": "C", "type": "threshold", "expression": "B", "datasource": expression,
				"conditions": []any{map[string]any{"evaluator": map[string]any{"type": op, "params": []float64{bound}}}}}},
		},
	}
	if m.cfg.Board != "" {
		a.Annotations["runbook_url"] = fmt.Sprintf("%s/readyz", m.cfg.Board)
	}
	return a
}
