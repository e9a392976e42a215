package grafana

// The types below are the parts of Grafana's dashboard JSON (schema version 39) that the
// boards use. Fields of Grafana that are not here keep Grafana's defaults.

// Board is one dashboard.
type Board struct {
	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Description   string      `json:"description"`
	Tags          []string    `json:"tags"`
	TimeZone      string      `json:"timezone"`
	WeekStart     string      `json:"weekStart"`
	Time          span        `json:"time"`
	Refresh       string      `json:"refresh"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"` // 1: one crosshair for all panels
	SchemaVersion int         `json:"schemaVersion"`
	Links         []boardLink `json:"links"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct{} `json:"list"`
	} `json:"annotations"`
	Panels []panel `json:"panels"`
}

type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type boardLink struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"` // link, or dashboards: all with Tags
	Icon        string   `json:"icon"`
	URL         string   `json:"url"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	KeepTime    bool     `json:"keepTime"`
	IncludeVars bool     `json:"includeVars"`
	TargetBlank bool     `json:"targetBlank"`
}

// source names a datasource.
type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type variable struct {
	Type        string   `json:"type"` // query or custom
	Name        string   `json:"name"`
	Label       string   `json:"label"`
	Datasource  *source  `json:"datasource,omitempty"`
	Query       any      `json:"query"`
	Refresh     int      `json:"refresh,omitempty"` // 2: when the time range changes
	Sort        int      `json:"sort,omitempty"`    // 5: by the alphabet, whatever the case
	Multi       bool     `json:"multi"`
	IncludeAll  bool     `json:"includeAll"`
	AllValue    string   `json:"allValue,omitempty"`
	Current     choice   `json:"current"`
	Options     []choice `json:"options"`
	Hide        int      `json:"hide"`
	SkipURLSync bool     `json:"skipUrlSync"`
}

type choice struct {
	Selected bool `json:"selected"`
	Text     any  `json:"text,omitempty"`
	Value    any  `json:"value,omitempty"`
}

type panel struct {
	ID              int         `json:"id"`
	Type            string      `json:"type"`
	Title           string      `json:"title"`
	Description     string      `json:"description,omitempty"`
	GridPos         gridPos     `json:"gridPos"`
	Datasource      *source     `json:"datasource,omitempty"`
	Targets         []target    `json:"targets,omitempty"`
	Transformations []transform `json:"transformations,omitempty"`
	FieldConfig     fieldConfig `json:"fieldConfig"`
	Options         any         `json:"options"`
	MaxDataPoints   int         `json:"maxDataPoints,omitempty"`
}

// gridPos is in units of Grafana's grid: 24 wide, 30 pixels high.
type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// target is one query. Query is Flux or InfluxQL, Expr is PromQL.
type target struct {
	RefID        string `json:"refId"`
	Datasource   source `json:"datasource"`
	Query        string `json:"query,omitempty"`
	RawQuery     bool   `json:"rawQuery,omitempty"`     // InfluxQL as text
	ResultFormat string `json:"resultFormat,omitempty"` // InfluxQL: time_series or table
	Expr         string `json:"expr,omitempty"`
	LegendFormat string `json:"legendFormat,omitempty"`
	Instant      bool   `json:"instant,omitempty"`
	Range        bool   `json:"range,omitempty"`
	Format       string `json:"format,omitempty"` // Prometheus: time_series or table
}

type transform struct {
	ID      string   `json:"id"`
	Filter  *matcher `json:"filter,omitempty"` // only these frames
	Options any      `json:"options"`
}

type fieldConfig struct {
	Defaults  defaults   `json:"defaults"`
	Overrides []override `json:"overrides"`
}

type defaults struct {
	DisplayName string      `json:"displayName,omitempty"`
	Unit        string      `json:"unit,omitempty"`
	Decimals    *int        `json:"decimals,omitempty"`
	Min         *float64    `json:"min,omitempty"`
	Max         *float64    `json:"max,omitempty"`
	NoValue     string      `json:"noValue"`
	Color       *color      `json:"color,omitempty"`
	Thresholds  *thresholds `json:"thresholds,omitempty"`
	Mappings    []mapping   `json:"mappings,omitempty"`
	Links       []dataLink  `json:"links,omitempty"`
	Custom      any         `json:"custom,omitempty"`
}

type color struct {
	Mode string `json:"mode"` // thresholds, palette-classic
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

// step is a colour from Value on; nil: from the lowest.
type step struct {
	Value *float64 `json:"value"`
	Color string   `json:"color"`
}

type mapping struct {
	Type    string             `json:"type"` // value
	Options map[string]shownAs `json:"options"`
}

type shownAs struct {
	Text  string `json:"text"`
	Color string `json:"color"`
	Index int    `json:"index"`
}

type dataLink struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank"`
}

type override struct {
	Matcher    matcher    `json:"matcher"`
	Properties []property `json:"properties"`
}

// matcher is byName, or byFrameRefID and byRefId.
type matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

type property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}
