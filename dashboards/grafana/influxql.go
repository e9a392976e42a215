package grafana

import (
	"fmt"
	"strings"
)

// influxQL asks in InfluxQL as InfluxDB 1.6 and newer know it. $timeFilter and $__interval
// are Grafana's; it puts the chosen values of a variable in place of ${name:regex}, escaped.
type influxQL struct{}

// placeAge is how old the newest place of an asset may be. The platform writes them daily.
const placeAge = "2d"

func (influxQL) trend(q trend) string {
	every := q.every
	if every == "" {
		every = "$__interval"
	}
	where := influxWhere(q.asset)
	if q.yes != "" {
		where += fmt.Sprintf(` AND "%s" = true`, q.yes)
	}
	group := fmt.Sprintf("time(%s)", every)
	if q.by != "" {
		group += fmt.Sprintf(`, "%s"`, q.by)
	}
	return fmt.Sprintf(`SELECT %s("%s") AS "%[2]s" FROM %s WHERE %s GROUP BY %s fill(none)`, q.with, q.field, influxFrom(q.measurement), where, group)
}

func (influxQL) newest(q newest) string {
	columns := []string{fmt.Sprintf(`last("%s") AS "%[1]s"`, q.fields[0])}
	for _, field := range q.fields[1:] {
		columns = append(columns, quoted(field))
	}
	for _, tag := range q.tags {
		columns = append(columns, quoted(tag))
	}
	return fmt.Sprintf(`SELECT %s FROM %s WHERE %s GROUP BY "%s"`, strings.Join(columns, ", "), influxFrom(q.measurement), influxWhere(q.asset), q.by)
}

func (influxQL) tally(q tally) string {
	text := fmt.Sprintf(`SELECT count("value") AS "value" FROM (SELECT last("%s") AS "value" FROM %s WHERE %s GROUP BY "%s")`,
		q.field, influxFrom(q.measurement), influxWhere(q.asset), q.by)
	if q.comparison != "" {
		text += fmt.Sprintf(` WHERE "value" %s`, q.comparison)
	}
	return text
}

func (influxQL) middle(q middle) string {
	return fmt.Sprintf(`SELECT mean("value") AS "value" FROM (SELECT last("%s") AS "value" FROM %s WHERE %s GROUP BY "asset")`,
		q.field, influxFrom(q.measurement), influxWhere(q.asset))
}

func (influxQL) states(q states) string {
	return fmt.Sprintf(`SELECT "%s" FROM %s WHERE %s GROUP BY "asset"`, q.field, influxFrom(q.measurement), influxWhere(q.asset))
}

func (influxQL) listed(q listed) string {
	columns := []string{quoted(q.field)}
	for _, tag := range q.tags {
		columns = append(columns, quoted(tag))
	}
	return fmt.Sprintf(`SELECT %s FROM %s WHERE %s ORDER BY time DESC LIMIT %d`, strings.Join(columns, ", "), influxFrom(q.measurement), influxWhere(q.asset), q.limit)
}

// newestPlaces is the newest place of each asset: conditions stand outside, because one that
// held yesterday may not hold today.
const newestPlaces = `(SELECT last("id") AS "id", "kind", "name", "district", "tour", "latitude", "longitude" FROM "place" WHERE time > now() - ` + placeAge + ` GROUP BY "asset")`

func (influxQL) places(q places) string {
	return fmt.Sprintf(`SELECT "id", "name", "district", "tour", "latitude", "longitude" FROM %s WHERE "kind" = '%s' AND "asset" =~ /^(?:${%s:regex})$/ GROUP BY "asset"`,
		newestPlaces, q.kind, q.asset)
}

func (influxQL) choices(field, kind string, narrowed []string) string {
	conditions := []string{fmt.Sprintf(`"%s" <> ''`, field)}
	if kind == kinds {
		conditions = append(conditions, `"kind" =~ /^(?:${art:regex})$/`)
	} else if kind != "" {
		conditions = append(conditions, fmt.Sprintf(`"kind" = '%s'`, kind))
	}
	for _, name := range narrowed {
		conditions = append(conditions, fmt.Sprintf(`"%s" =~ /^(?:${%s:regex})$/`, fieldOf(name), name))
	}
	return fmt.Sprintf(`SELECT DISTINCT("%s") FROM %s WHERE %s`, field, newestPlaces, strings.Join(conditions, " AND "))
}

// influxFrom gives the measurement, or those of the chosen kinds.
func influxFrom(measurement string) string {
	if measurement == kinds {
		return `/^(?:${art:regex})$/`
	}
	return quoted(measurement)
}

func influxWhere(asset string) string {
	if asset == "" {
		return "$timeFilter"
	}
	return fmt.Sprintf(`$timeFilter AND "asset" =~ /^(?:${%s:regex})$/`, asset)
}

func quoted(name string) string { return `"` + name + `"` }

// fieldOf is the field of a place that a variable chooses by.
func fieldOf(variable string) string {
	switch variable {
	case "stadtteil":
		return "district"
	case "tour":
		return "tour"
	}
	panic("grafana: no field for variable " + variable) // a board is wrong; its test finds it
}
