package grafana

// The panels. Each function gives one with what all of its type have in common.

type reduceOptions struct {
	Calcs  []string `json:"calcs"`
	Fields string   `json:"fields"`
	Values bool     `json:"values"`
}

type statOptions struct {
	ReduceOptions reduceOptions `json:"reduceOptions"`
	Orientation   string        `json:"orientation"`
	TextMode      string        `json:"textMode"`
	ColorMode     string        `json:"colorMode"`
	GraphMode     string        `json:"graphMode"`
	JustifyMode   string        `json:"justifyMode"`
}

// stat shows one number for each target. From InfluxDB it is that in column value.
func stat(name, about string, targets []target, look defaults) panel {
	fields := ""
	if targets[0].Expr == "" {
		fields = "/^value$/"
	}
	if look.Unit == "" {
		look.Unit = "none"
	}
	if look.Decimals == nil {
		look.Decimals = digits(0)
	}
	if look.Thresholds == nil {
		look.Thresholds = bands("text")
	}
	look.Color = &color{"thresholds"}
	return panel{
		Type: "stat", Title: name, Description: about, Targets: targets, FieldConfig: fieldConfig{Defaults: look},
		Options: statOptions{reduceOptions{[]string{"lastNotNull"}, fields, false}, "auto", "auto", "value", "none", "auto"},
	}
}

type legend struct {
	ShowLegend  bool     `json:"showLegend"`
	DisplayMode string   `json:"displayMode"`
	Placement   string   `json:"placement"`
	Calcs       []string `json:"calcs"`
}

type tooltip struct {
	Mode string `json:"mode"`
	Sort string `json:"sort"`
}

type timeseriesOptions struct {
	Legend  legend  `json:"legend"`
	Tooltip tooltip `json:"tooltip"`
}

type timeseriesCustom struct {
	DrawStyle         string `json:"drawStyle"`
	LineInterpolation string `json:"lineInterpolation"`
	LineWidth         int    `json:"lineWidth"`
	FillOpacity       int    `json:"fillOpacity"`
	ShowPoints        string `json:"showPoints"`
	PointSize         int    `json:"pointSize"`
	SpanNulls         bool   `json:"spanNulls"`
}

// lines draws series over time.
func lines(name, about string, targets []target, look defaults, overrides []override) panel {
	look.Custom = timeseriesCustom{DrawStyle: "line", LineInterpolation: "linear", LineWidth: 2, FillOpacity: 5, ShowPoints: "auto", PointSize: 4, SpanNulls: true}
	return series(name, about, targets, look, overrides)
}

// bars draws counts over time.
func bars(name, about string, targets []target, look defaults, overrides []override) panel {
	look.Custom = timeseriesCustom{DrawStyle: "bars", LineInterpolation: "linear", LineWidth: 1, FillOpacity: 60, ShowPoints: "never", PointSize: 4}
	return series(name, about, targets, look, overrides)
}

func series(name, about string, targets []target, look defaults, overrides []override) panel {
	look.Color = &color{"palette-classic"}
	return panel{
		Type: "timeseries", Title: name, Description: about, Targets: targets,
		FieldConfig: fieldConfig{Defaults: look, Overrides: overrides}, MaxDataPoints: 600,
		Options: timeseriesOptions{legend{true, "list", "bottom", []string{}}, tooltip{"multi", "desc"}},
	}
}

type timelineOptions struct {
	MergeValues bool    `json:"mergeValues"`
	ShowValue   string  `json:"showValue"`
	AlignValue  string  `json:"alignValue"`
	RowHeight   float64 `json:"rowHeight"`
	PerPage     int     `json:"perPage"`
	Legend      legend  `json:"legend"`
	Tooltip     tooltip `json:"tooltip"`
}

type timelineCustom struct {
	FillOpacity int `json:"fillOpacity"`
	LineWidth   int `json:"lineWidth"`
}

// timeline draws states, a row for each series.
func timeline(name, about string, targets []target, look defaults) panel {
	look.Custom, look.Color = timelineCustom{70, 0}, &color{"thresholds"}
	return panel{
		Type: "state-timeline", Title: name, Description: about, Targets: targets, FieldConfig: fieldConfig{Defaults: look},
		Options: timelineOptions{true, "auto", "left", 0.9, 20, legend{true, "list", "bottom", []string{}}, tooltip{"single", "none"}},
	}
}

type tableOptions struct {
	ShowHeader bool        `json:"showHeader"`
	CellHeight string      `json:"cellHeight"`
	Footer     tableFooter `json:"footer"`
	SortBy     []sortBy    `json:"sortBy"`
}

type tableFooter struct {
	Show      bool     `json:"show"`
	CountRows bool     `json:"countRows"`
	Reducer   []string `json:"reducer"`
	Fields    string   `json:"fields"`
}

type sortBy struct {
	DisplayName string `json:"displayName"`
	Desc        bool   `json:"desc"`
}

type tableCustom struct {
	Align      string `json:"align"`
	Inspect    bool   `json:"inspect"`
	Filterable bool   `json:"filterable"`
}

// table shows columns, sorted by the one with the given displayed name.
func table(name, about string, targets []target, overrides []override, sorted string, desc bool) panel {
	return panel{
		Type: "table", Title: name, Description: about, Targets: targets,
		FieldConfig: fieldConfig{Defaults: defaults{Custom: tableCustom{"auto", false, true}, Thresholds: bands("text"), Color: &color{"thresholds"}}, Overrides: overrides},
		Options:     tableOptions{true, "sm", tableFooter{false, false, []string{"sum"}, ""}, []sortBy{{sorted, desc}}},
	}
}

type geomapOptions struct {
	View     mapView    `json:"view"`
	Controls mapControl `json:"controls"`
	Basemap  mapLayer   `json:"basemap"`
	Layers   []mapLayer `json:"layers"`
	Tooltip  mapTooltip `json:"tooltip"`
}

type mapView struct {
	ID        string  `json:"id"` // fit: as far out as needed
	Lat       float64 `json:"lat"`
	Lon       float64 `json:"lon"`
	Zoom      float64 `json:"zoom"`
	AllLayers bool    `json:"allLayers"`
}

type mapControl struct {
	ShowZoom        bool `json:"showZoom"`
	ShowAttribution bool `json:"showAttribution"`
	ShowScale       bool `json:"showScale"`
	MouseWheelZoom  bool `json:"mouseWheelZoom"`
}

type mapTooltip struct {
	Mode string `json:"mode"`
}

type mapLayer struct {
	Type     string       `json:"type"`
	Name     string       `json:"name"`
	Tooltip  bool         `json:"tooltip"`
	Location *mapLocation `json:"location,omitempty"`
	Config   any          `json:"config"`
}

type mapLocation struct {
	Mode      string `json:"mode"` // coords
	Latitude  string `json:"latitude"`
	Longitude string `json:"longitude"`
}

type tilesConfig struct {
	URL         string `json:"url"`
	Attribution string `json:"attribution"`
}

type geojsonConfig struct {
	Src   string    `json:"src"`
	Rules []string  `json:"rules"`
	Style areaStyle `json:"style"`
}

type areaStyle struct {
	Color   fixedColor `json:"color"`
	Opacity float64    `json:"opacity"`
}

type fixedColor struct {
	Fixed string `json:"fixed"`
}

type markersConfig struct {
	ShowLegend bool        `json:"showLegend"`
	Style      markerStyle `json:"style"`
}

type markerStyle struct {
	Color   fieldColor `json:"color"`
	Opacity float64    `json:"opacity"`
	Size    fixedSize  `json:"size"`
}

type fieldColor struct {
	Field string `json:"field"`
	Fixed string `json:"fixed"`
}

type fixedSize struct {
	Fixed int `json:"fixed"`
	Min   int `json:"min"`
	Max   int `json:"max"`
}

// emptyTile is one transparent pixel. Grafana's own ground would have the browsers of
// everybody who looks ask a tile server on the internet.
const emptyTile = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAEUlEQVR42mJiYGBgAAQAAP//AA8AA4NgdNEAAAAASUVORK5CYII="

// worldMap shows assets where they stand, coloured by a field.
func (m maker) worldMap(name, about string, question newest, of places, field string, look defaults, overrides []override) panel {
	ground := tilesConfig{emptyTile, m.cfg.Attribution}
	if m.cfg.Tiles != "" {
		ground.URL = m.cfg.Tiles
	}
	var layers []mapLayer
	if m.cfg.Districts != "" {
		layers = append(layers, mapLayer{Type: "geojson", Name: "Stadtteile",
			Config: geojsonConfig{m.cfg.Districts, []string{}, areaStyle{fixedColor{"dark-blue"}, 0.3}}})
	}
	layers = append(layers, mapLayer{Type: "markers", Name: "Anlagen", Tooltip: true, Location: &mapLocation{"coords", "latitude", "longitude"},
		Config: markersConfig{true, markerStyle{fieldColor{field, "dark-green"}, 0.8, fixedSize{6, 2, 15}}}})
	look.Color = &color{"thresholds"}
	return panel{
		Type: "geomap", Title: name, Description: about, Targets: m.ask(question, of), Transformations: joined(),
		FieldConfig: fieldConfig{Defaults: look, Overrides: append(m.placeColumns(), overrides...)},
		Options: geomapOptions{mapView{"fit", 0, 0, 15, true}, mapControl{true, true, true, true},
			mapLayer{Type: "xyz", Name: "Grund", Config: ground}, layers, mapTooltip{"details"}},
	}
}

type organize struct {
	ExcludeByName map[string]bool   `json:"excludeByName"`
	IndexByName   map[string]int    `json:"indexByName"`
	RenameByName  map[string]string `json:"renameByName"`
}

type joinBy struct {
	ByField string `json:"byField"`
	Mode    string `json:"mode"`
}

// joined puts what the first target says of assets beside their places, the second: only
// those that both have. The time stays that of the first.
func joined() []transform {
	return []transform{
		{ID: "organize", Filter: &matcher{"byRefId", "B"}, Options: organize{map[string]bool{"Time": true, "id": true}, map[string]int{}, map[string]string{}}},
		{ID: "joinByField", Options: joinBy{"asset", "inner"}},
	}
}

// placeColumns name what tables and maps know of assets.
func (m maker) placeColumns() []override {
	number := []property{title("Anlage")}
	if links := m.assetLink(); links != nil {
		number = append(number, property{"links", links})
	}
	return []override{
		on("asset", number...), on("name", title("Name")), on("district", title("Stadtteil")), on("tour", title("Tour")),
		on("Time", title("Gemessen"), property{"unit", germanTime}),
		on("latitude", title("Breite"), property{"decimals", 5}), on("longitude", title("Länge"), property{"decimals", 5}),
	}
}

// hidden leaves columns out of a table.
func hidden(names ...string) []override {
	var all []override
	for _, name := range names {
		all = append(all, on(name, property{"custom.hidden", true}))
	}
	return all
}
