package grafana

// platform is for who operates meldefunk itself. Prometheus scrapes /metrics of the board.
func (m maker) platform() *Board {
	s := m.sheet("plattform", "Plattform", "Ob Meldefunk selbst arbeitet: Annahme, Verarbeitung, Weitergabe, Prozess.", "6h")
	count := defaults{Unit: "none", Decimals: digits(0), Min: number(0)}
	perSecond := defaults{Unit: "cps", Decimals: digits(1), Min: number(0)}
	down := bands("green", 1.0, "red")
	s.put(stat("Netzserver getrennt", "MQTT-Sitzungen, die gerade nicht stehen. Der Broker hebt auf, was inzwischen kommt.",
		m.now(metric{"sum(meldefunk_bridge_connected == bool 0) or vector(0)", ""}), defaults{Thresholds: down}), 6, 4)
	s.put(stat("Vergebliche Schreibversuche", "In Folge, der Datenbank. Über 0 wird nichts quittiert und nichts verloren.",
		m.now(metric{"max(meldefunk_road_store_failures)", ""}), defaults{Thresholds: down}), 6, 4)
	s.put(stat("Noch nicht in InfluxDB", "Messwerte, die InfluxDB noch nicht hat.",
		m.now(metric{"max(meldefunk_influx_behind_readings)", ""}), defaults{Thresholds: bands("green", 10000.0, "orange", 1000000.0, "red")}), 6, 4)
	s.put(stat("Vorrat für InfluxDB", "Anteil dessen, was höchstens auf InfluxDB warten darf.",
		m.now(metric{"max(meldefunk_influx_spool_ratio)", ""}), defaults{Unit: "percentunit", Min: number(0), Max: number(1), Thresholds: bands("green", 0.5, "orange", 0.8, "red")}), 6, 4)
	s.put(lines("Angenommene Nachrichten", "Je Sekunde, nach Netzserver und Art.",
		m.over(metric{"sum by (server, event) (rate(meldefunk_bridge_messages_total[$__rate_interval])) > 0", "{{server}}: {{event}}"}), perSecond, nil), 12, 8)
	s.put(lines("Gespeicherte Messwerte", "Je Sekunde, nach Art.",
		m.over(metric{"sum by (kind) (rate(meldefunk_road_readings_total[$__rate_interval])) > 0", "{{kind}}"}), perSecond, nil), 12, 8)
	s.put(bars("Zurückgestellte Nachrichten", "Je Stunde, nach Grund. Sie sind aufgehoben und können wieder eingespielt werden.",
		m.over(metric{"sum by (reason) (increase(meldefunk_road_set_aside_total[1h])) > 0", "{{reason}}"}), count, nil), 12, 8)
	s.put(lines("Wiederholt, verspätet, gedrosselt", "Je Sekunde.",
		m.over(metric{"sum(rate(meldefunk_road_repeats_total[$__rate_interval]))", "wiederholt"},
			metric{"sum(rate(meldefunk_road_late_readings_total[$__rate_interval]))", "verspätet"},
			metric{"sum(rate(meldefunk_road_throttled_total[$__rate_interval]))", "gedrosselt"}), perSecond, nil), 12, 8)
	quantile := func(q, name string) metric {
		return metric{"histogram_quantile(" + q + ", sum by (le) (rate(meldefunk_road_commit_seconds_bucket[$__rate_interval])))", name}
	}
	s.put(lines("Dauer eines Schreibvorgangs", "Bis er auf der Platte ist: die Hälfte, und 99 von 100 sind schneller.",
		m.over(quantile("0.5", "Median"), quantile("0.99", "99 %")), defaults{Unit: "s", Min: number(0)}, nil), 12, 8)
	s.put(lines("Nachrichten je Schreibvorgang", "Mittel. Viele auf einmal heißt: es kommt gerade viel.",
		m.over(metric{"sum(rate(meldefunk_road_batch_messages_sum[$__rate_interval])) / sum(rate(meldefunk_road_batch_messages_count[$__rate_interval]))", "Mittel"}),
		defaults{Unit: "none", Decimals: digits(1), Min: number(0)}, nil), 12, 8)
	s.put(timeline("Verbindung zum Netzserver", "MQTT-Sitzungen.", m.over(metric{"meldefunk_bridge_connected", "{{server}}"}),
		defaults{Thresholds: bands("text"), Mappings: []mapping{{Type: "value", Options: map[string]shownAs{
			"0": {Text: "getrennt", Color: "red", Index: 0}, "1": {Text: "verbunden", Color: "green", Index: 1},
		}}}}), 12, 7)
	s.put(lines("Schreiben nach InfluxDB", "Anfragen je Sekunde, nach Ergebnis.",
		m.over(metric{"sum by (outcome) (rate(meldefunk_influx_writes_total[$__rate_interval])) > 0", "{{outcome}}"}), perSecond, nil), 12, 7)
	s.put(lines("Speicher", "Belegter Hauptspeicher des Prozesses.",
		m.over(metric{"process_resident_memory_bytes{job=~\".*meldefunk.*\"}", "{{instance}}"}), defaults{Unit: "bytes", Decimals: digits(0), Min: number(0)}, nil), 12, 7)
	s.put(lines("Rechenzeit", "Anteil eines Prozessorkerns.",
		m.over(metric{"rate(process_cpu_seconds_total{job=~\".*meldefunk.*\"}[$__rate_interval])", "{{instance}}"}), defaults{Unit: "percentunit", Decimals: digits(0), Min: number(0)}, nil), 12, 7)
	return s.board
}
