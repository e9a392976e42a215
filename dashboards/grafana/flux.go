package grafana

import (
	"fmt"
	"strings"
)

// flux asks in Flux (InfluxDB 2.x; 1.8 with flux-enabled). Series keep _measurement and
// _field, by which Grafana knows them as such and takes the other columns for labels; tables
// have neither, and their time in a column Time, as InfluxQL's have.
type flux struct{ bucket string }

// from begins every question about readings.
func (f flux) from(measurement, asset string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "from(bucket: %s)\n  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n", fluxString(f.bucket))
	if measurement == kinds {
		b.WriteString("  |> filter(fn: (r) => r._measurement =~ /^(?:${art:regex})$/)\n")
	} else {
		fmt.Fprintf(&b, "  |> filter(fn: (r) => r._measurement == %q)\n", measurement)
	}
	if asset != "" {
		fmt.Fprintf(&b, "  |> filter(fn: (r) => r.asset =~ /^(?:${%s:regex})$/)\n", asset)
	}
	tests := make([]string, len(fields))
	for i, field := range fields {
		tests[i] = fmt.Sprintf("r._field == %q", field)
	}
	fmt.Fprintf(&b, "  |> filter(fn: (r) => %s)\n", strings.Join(tests, " or "))
	return b.String()
}

// pivot puts the fields of one reading side by side.
const pivot = "  |> pivot(rowKey: [\"_time\"], columnKey: [\"_field\"], valueColumn: \"_value\")\n"

func (f flux) trend(q trend) string {
	every := q.every
	if every == "" {
		every = "v.windowPeriod"
	}
	columns := []string{"_measurement", "_field"}
	if q.by != "" {
		columns = append(columns, q.by)
	}
	text := f.from(q.measurement, q.asset, q.field)
	if q.yes != "" {
		text = f.from(q.measurement, q.asset, q.field, q.yes) + pivot +
			fmt.Sprintf("  |> filter(fn: (r) => exists r.%s and r.%s)\n", q.field, q.yes) +
			fmt.Sprintf("  |> rename(columns: {%s: \"_value\"})\n  |> set(key: \"_field\", value: %[1]q)\n", q.field)
	}
	return text + fmt.Sprintf("  |> group(columns: [%s])\n  |> aggregateWindow(every: %s, fn: %s, createEmpty: false)\n  |> keep(columns: [%s])",
		fluxList(columns), every, q.with, fluxList(append([]string{"_time", "_value"}, columns...)))
}

func (f flux) newest(q newest) string {
	keep := append(append([]string{"_time", q.by}, q.fields...), q.tags...)
	return f.from(q.measurement, q.asset, q.fields...) + pivot +
		fmt.Sprintf("  |> filter(fn: (r) => exists r.%s)\n", q.fields[0]) +
		fmt.Sprintf("  |> group(columns: [%q])\n  |> sort(columns: [\"_time\"])\n  |> last(column: %q)\n  |> group()\n", q.by, q.fields[0]) +
		fmt.Sprintf("  |> keep(columns: [%s])\n  |> rename(columns: {_time: \"Time\"})", fluxList(keep))
}

func (f flux) tally(q tally) string {
	text := f.last(q.measurement, q.asset, q.field, q.by)
	if q.comparison != "" {
		text += fmt.Sprintf("  |> filter(fn: (r) => %s)\n", fluxComparison(q.comparison))
	}
	return text + "  |> count()\n  |> rename(columns: {_value: \"value\"})"
}

func (f flux) middle(q middle) string {
	return f.last(q.measurement, q.asset, q.field, "asset") + "  |> mean()\n  |> rename(columns: {_value: \"value\"})"
}

// last is the newest value of a field for each value of a tag, in one table.
func (f flux) last(measurement, asset, field, by string) string {
	return f.from(measurement, asset, field) +
		fmt.Sprintf("  |> group(columns: [%q])\n  |> sort(columns: [\"_time\"])\n  |> last()\n  |> group()\n  |> keep(columns: [%q, \"_value\"])\n", by, by)
}

func (f flux) states(q states) string {
	return f.from(q.measurement, q.asset, q.field) +
		"  |> group(columns: [\"_measurement\", \"_field\", \"asset\"])\n  |> sort(columns: [\"_time\"])\n  |> keep(columns: [\"_time\", \"_value\", \"_measurement\", \"_field\", \"asset\"])"
}

func (f flux) listed(q listed) string {
	return f.from(q.measurement, q.asset, q.field) +
		fmt.Sprintf("  |> group()\n  |> sort(columns: [\"_time\"], desc: true)\n  |> limit(n: %d)\n", q.limit) +
		fmt.Sprintf("  |> keep(columns: [%s])\n  |> rename(columns: {_time: \"Time\", _value: %q})", fluxList(append([]string{"_time", "_value"}, q.tags...)), q.field)
}

// newestPlaces is the newest place of each asset, all fields side by side.
func (f flux) newestPlaces() string {
	return fmt.Sprintf("from(bucket: %s)\n  |> range(start: -%s)\n  |> filter(fn: (r) => r._measurement == \"place\")\n", fluxString(f.bucket), placeAge) +
		pivot + "  |> group(columns: [\"asset\"])\n  |> sort(columns: [\"_time\"])\n  |> last(column: \"id\")\n  |> group()\n"
}

func (f flux) places(q places) string {
	return f.newestPlaces() +
		fmt.Sprintf("  |> filter(fn: (r) => r.kind == %q and r.asset =~ /^(?:${%s:regex})$/)\n", q.kind, q.asset) +
		"  |> keep(columns: [\"_time\", \"asset\", \"id\", \"name\", \"district\", \"tour\", \"latitude\", \"longitude\"])\n  |> rename(columns: {_time: \"Time\"})"
}

func (f flux) choices(field, kind string, narrowed []string) string {
	text := f.newestPlaces()
	if kind == kinds {
		text += "  |> filter(fn: (r) => r.kind =~ /^(?:${art:regex})$/)\n"
	} else if kind != "" {
		text += fmt.Sprintf("  |> filter(fn: (r) => r.kind == %q)\n", kind)
	}
	for _, name := range narrowed {
		text += fmt.Sprintf("  |> filter(fn: (r) => r.%s =~ /^(?:${%s:regex})$/)\n", fieldOf(name), name)
	}
	return text + fmt.Sprintf("  |> filter(fn: (r) => r.%s != \"\")\n  |> keep(columns: [%[1]q])\n  |> distinct(column: %[1]q)\n  |> keep(columns: [\"_value\"])", field)
}

// fluxComparison turns "= true" and ">= 90" into conditions on _value. Fields are floats.
func fluxComparison(text string) string {
	op, value, _ := strings.Cut(text, " ")
	switch {
	case op == "=":
		op = "=="
	case op == "<>":
		op = "!="
	}
	if value != "true" && value != "false" && !strings.Contains(value, ".") {
		value += ".0"
	}
	return "r._value " + op + " " + value
}

func fluxList(names []string) string {
	quotedNames := make([]string, len(names))
	for i, name := range names {
		quotedNames[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quotedNames, ", ")
}

// fluxString writes a string literal (Flux specification, "String literals"): a backslash,
// a quote and "${" have a meaning there. Grafana would take "$" for a variable, so a name
// with one is refused by Config.
func fluxString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
