package grafana

import "meldefunk/city"

// Boards gives all boards for a configuration that is valid. Without Prometheus those of
// what only it knows, tickets and the platform itself, are left out.
func Boards(cfg Config, bucket Bucket) ([]*Board, error) {
	if err := bucket.validate(); err != nil {
		return nil, err
	}
	m := newMaker(cfg, bucket)
	all := []*Board{m.overview(), m.bins(), m.soil(), m.parking(), m.devices()}
	if cfg.Prometheus != "" {
		all = append(all, m.tickets(), m.platform())
	}
	return all, nil
}

// kind is a kind of asset as queries and people name it.
type kind struct{ name, german string }

func shownKinds() []kind {
	var all []kind
	for _, k := range city.Kinds() {
		all = append(all, kind{k.String(), k.German()})
	}
	return all
}

// Field names, from the words of the platform: a board cannot ask for what is not written.
var (
	fillLevel   = city.FillLevel.String()
	nfk         = city.UsableFieldCapacity.String()
	moisture    = city.SoilMoisture.String()
	soilCelsius = city.SoilTemperature.String()
	occupied    = city.Occupied.String()
	duration    = city.FormerDuration.String()
	distance    = city.Distance.String()
	battery     = city.BatteryLevel.String()
	volts       = city.BatteryVoltage.String()
)

// Measurements.
var (
	binKind     = city.Bin.String()
	soilKind    = city.Soil.String()
	parkingKind = city.Parking.String()
)

// Colours of what the numbers mean. Words and numbers stand beside them everywhere.
var (
	binBands  = bands("green", 70.0, "orange", 90.0, "red")
	soilBands = bands("red", 30.0, "orange", 50.0, "green")
)

// percent is the look of a share of a hundred.
func percent(of *thresholds) defaults {
	return defaults{Unit: "percent", Decimals: digits(0), Min: number(0), Max: number(100), Thresholds: of}
}

// gauge shows a percentage in a table as a bar too.
func gauge(field, name string, of *thresholds) override {
	return on(field, title(name), property{"unit", "percent"}, property{"decimals", 0}, property{"min", 0}, property{"max", 100},
		property{"thresholds", of}, property{"custom.cellOptions", cell{"gauge", "basic"}})
}

type cell struct {
	Type string `json:"type"`
	Mode string `json:"mode"`
}

// column names and formats a column of a table.
func column(field, name, of string, decimals int) override {
	return on(field, append([]property{title(name)}, unit(of, decimals)...)...)
}

// faultsTable lists the newest readings with faults.
func (m maker) faultsTable(of, asset string) panel {
	return table("Gemeldete Fehler", "Die neuesten 100 Messwerte, zu denen das Gerät oder die Auswertung einen Fehler meldet.",
		m.ask(listed{of, "faults", []string{"asset", "dev_eui", "model"}, asset, 100}),
		append(m.placeColumns(), on("faults", title("Fehler")), on("dev_eui", title("DevEUI")), on("model", title("Modell"))), "Gemessen", true)
}

// heard counts readings by the hour, a series for each kind.
func heard(kinds []kind) (questions []any, names []string) {
	for _, k := range kinds {
		questions = append(questions, trend{measurement: k.name, field: "fcnt", with: "count", every: "1h"})
		names = append(names, k.german)
	}
	return questions, names
}

// spread is mean, lowest and highest of a field over all chosen assets.
func spread(measurement, field string) []any {
	var all []any
	for _, with := range []string{"mean", "min", "max"} {
		all = append(all, trend{measurement: measurement, field: field, with: with, asset: anlage})
	}
	return all
}

var spreadNames = []string{"Mittel", "niedrigster", "höchster"}
