package sensorthings_test

import (
	"strings"
	"testing"
)

// TestFilter asks for the operators and functions of table 20 to 22 of OGC 18-088. What is
// chosen are Things by their names' beginnings, or results of the bin: 1 to 48 %, one each
// hour from 2026-11-20T12:00Z on, without 21 and 31.
func TestFilter(t *testing.T) {
	bin, _ := shared.one(t, "Datastreams", "name eq 'Füllstand Papierkorb Domhof'")
	const square = "geography'POLYGON ((8.042 52.276,8.044 52.276,8.044 52.278,8.042 52.278,8.042 52.276))'"
	for _, c := range []struct{ requirement, set, filter, want string }{
		{"built-in-filter-operations", "", "result eq 7", "7"},
		{"built-in-filter-operations", "", "result ne 7 and result lt 9", "1|2|3|4|5|6|8"},
		{"built-in-filter-operations", "", "result gt 46", "47|48"},
		{"built-in-filter-operations", "", "result ge 46", "46|47|48"},
		{"built-in-filter-operations", "", "result lt 3", "1|2"},
		{"built-in-filter-operations", "", "result le 3", "1|2|3"},
		{"built-in-filter-operations", "", "7 eq result or 2 gt result", "1|7"},
		{"built-in-filter-operations", "", "not result gt 2", "1|2"},
		{"built-in-filter-operations", "", "not (result gt 2 or result eq 1)", "2"},
		{"built-in-filter-operations", "", "result eq 1 or result eq 2 and result eq 3", "1"},
		{"built-in-filter-operations", "", "(result eq 1 or result eq 2) and result eq 2", "2"},
		{"built-in-filter-operations", "", "result add 3 eq 10", "7"},
		{"built-in-filter-operations", "", "result sub 3 eq -1", "2"},
		{"built-in-filter-operations", "", "result mul 2 add 1 eq 9", "4"},
		{"built-in-filter-operations", "", "result mul (2 add 1) eq 9", "3"},
		{"built-in-filter-operations", "", "result div 2 eq 3.5", "7"},
		{"built-in-filter-operations", "", "result mod 16 eq 0", "16|32|48"},
		{"built-in-filter-operations", "", "result div 0 eq null and result lt 2", "1"},
		{"built-in-filter-operations", "", "-result eq -4.0e0", "4"},
		{"built-in-filter-operations", "", "result sub result sub 1 eq -1 and result lt 3", "1|2"},
		{"built-in-filter-operations", "", "result eq '7'", "7"},
		{"built-in-filter-operations", "", "result ge '47' and result lt '5'", "47|48"},
		{"built-in-filter-operations", "", "result eq true", ""},
		{"built-in-filter-operations", "", "result ne 'frei' and result gt 47", "48"},
		{"built-in-filter-operations", "", "validTime eq null and result eq 1", "1"},
		{"built-in-filter-operations", "", "validTime ne null", ""},
		{"built-in-filter-operations", "", "resultQuality/state eq 'doubtful'", "41"},
		{"built-in-filter-operations", "", "Datastream/unitOfMeasurement/symbol eq '%' and result eq 5", "5"},
		{"built-in-filter-operations", "", "Datastream/unitOfMeasurement/symbol eq 'V'", ""},
		{"built-in-filter-operations", "", "FeatureOfInterest/name eq 'Papierkorb Domhof' and result eq 5", "5"},

		{"built-in-filter-operations/time", "", "phenomenonTime eq 2026-11-20T13:00:00Z", "2"},
		{"built-in-filter-operations/time", "", "phenomenonTime eq 2026-11-20T14:00:00+01:00", "2"},
		{"built-in-filter-operations/time", "", "phenomenonTime gt 2026-11-22T10:00:00.000Z", "48"},
		{"built-in-filter-operations/time", "", "phenomenonTime ge 2026-11-22T10:00:00Z", "47|48"},
		{"built-in-filter-operations/time", "", "2026-11-20T13:00:00Z ge resultTime", "1|2"},
		{"built-in-filter-operations/time", "", "phenomenonTime lt 2026-11-20T14:00:00Z and phenomenonTime gt 2026-11-20T12:00:00Z", "2"},
		{"built-in-filter-operations/time", "", "phenomenonTime gt 2026-11-20T12:00:00Z/2026-11-22T10:00:00Z", "47|48"},
		{"built-in-filter-operations/time", "", "phenomenonTime ge now() sub duration'PT2H'", "47|48"},
		{"built-in-filter-operations/time", "", "phenomenonTime lt 2026-11-20T13:00:00Z or phenomenonTime gt 2026-11-22T10:30:00Z", "1|48"},
		{"built-in-filter-operations/time", "", "not phenomenonTime gt 2026-11-20T13:00:00Z", "1|2"},

		{"built-in-query-functions/string", "Things", "substringof('Bodenf',name)", "Linde"},
		{"built-in-query-functions/string", "Things", "endswith(name,'Brien')", "Wetter"},
		{"built-in-query-functions/string", "Things", "name eq 'Wetter O''Brien'", "Wetter"},
		{"built-in-query-functions/string", "Things", "startswith(name,'Ei')", "Eiche"},
		{"built-in-query-functions/string", "Things", "length(name) eq 5", "Eiche"},
		{"built-in-query-functions/string", "Things", "length('ü') eq 1 and name eq 'Eiche'", "Eiche"},
		{"built-in-query-functions/string", "Things", "indexof(name,'hler') eq 17", "Linde"},
		{"built-in-query-functions/string", "Things", "indexof(name,'fühler') eq 15", "Linde"},
		{"built-in-query-functions/string", "Things", "indexof(name,'nirgends') eq -1 and length(name) lt 6", "Eiche"},
		{"built-in-query-functions/string", "Things", "substring(name,2) eq 'che'", "Eiche"},
		{"built-in-query-functions/string", "Things", "substring(name,1,3) eq 'ich'", "Eiche"},
		{"built-in-query-functions/string", "Things", "substring(name,90,-4) eq '' and name eq 'Eiche'", "Eiche"},
		{"built-in-query-functions/string", "Things", "tolower(name) eq 'eiche'", "Eiche"},
		{"built-in-query-functions/string", "Things", "toupper(name) eq 'EICHE'", "Eiche"},
		{"built-in-query-functions/string", "Things", "trim('  Eiche ') eq name", "Eiche"},
		{"built-in-query-functions/string", "Things", "concat(concat(name,', '),properties/stadtteil) eq 'Eiche, Schinkel'", "Eiche"},

		{"built-in-query-functions/date", "", "year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 11 and day(phenomenonTime) eq 20 and hour(phenomenonTime) gt 21", "11|12"},
		{"built-in-query-functions/date", "", "minute(phenomenonTime) eq 0 and second(phenomenonTime) eq 0 and fractionalseconds(phenomenonTime) eq 0 and result eq 1", "1"},
		{"built-in-query-functions/date", "", "date(phenomenonTime) eq 2026-11-22 and result le 38", "37|38"},
		{"built-in-query-functions/date", "", "time(phenomenonTime) eq 13:00:00", "2|26"},
		{"built-in-query-functions/date", "", "time(phenomenonTime) lt 01:00", "13|37"},
		{"built-in-query-functions/date", "", "totaloffsetminutes(phenomenonTime) eq 0 and result eq 1", "1"},
		{"built-in-query-functions/date", "", "phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime() and phenomenonTime le now() and result eq 1", "1"},
		{"built-in-query-functions/date", "", "now() sub phenomenonTime le duration'PT2H'", "47|48"},
		{"built-in-query-functions/date", "", "during(phenomenonTime,2026-11-20T12:30:00Z/2026-11-20T14:30:00Z)", "2|3"},
		{"built-in-query-functions/date", "", "before(phenomenonTime,2026-11-20T13:00:00Z) or after(phenomenonTime,2026-11-22T10:00:00Z)", "1|48"},
		{"built-in-query-functions/date", "Things", "overlaps(Datastreams/phenomenonTime,2026-11-20T12:30:00Z/2026-11-20T14:30:00Z)", "Linde|Papierkorb|Wetter"},
		{"built-in-query-functions/date", "Things", "starts(Datastreams/phenomenonTime,2026-11-20T12:00:00Z)", "Papierkorb"},
		{"built-in-query-functions/date", "Things", "finishes(Datastreams/phenomenonTime,2026-11-22T11:00:00Z) or meets(Datastreams/phenomenonTime,2026-11-22T11:01:00Z)", "Linde|Papierkorb"},

		{"built-in-query-functions/math", "", "round(result div 10) eq 2", "15|16|17|18|19|20|22|23|24"},
		{"built-in-query-functions/math", "", "floor(result div 10) eq 4 and result lt 42", "40|41"},
		{"built-in-query-functions/math", "", "ceiling(result div 10) eq 1 and result gt 8", "9|10"},

		{"built-in-query-functions/geospatial", "Things", "geo.distance(Locations/location,geography'POINT (8.043 52.277)') lt 0.001", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Things", "geo.length(geography'LINESTRING (0 0,3 4)') eq 5 and name eq 'Eiche'", "Eiche"},
		{"built-in-query-functions/geospatial", "Things", "geo.intersects(Locations/location," + square + ")", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Things", "st_within(Locations/location," + square + ")", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Things", "st_contains(" + square + ",Locations/location)", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Things", "st_intersects(Locations/location," + square + ")", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Things", "st_equals(Locations/location,geography'POINT (8.043 52.277)')", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Things", "st_disjoint(Locations/location," + square + ")", "Eiche|Linde|Parkraum|Stellplatz"},
		{"built-in-query-functions/geospatial", "Things", "st_touches(Locations/location,geography'POLYGON ((8.043 52.276,8.044 52.276,8.044 52.278,8.043 52.278,8.043 52.276))')", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Things", "st_crosses(geography'LINESTRING (8 52,9 53)',geography'POLYGON ((8.1 52,8.2 52,8.2 53,8.1 53,8.1 52))') and name eq 'Eiche'", "Eiche"},
		{"built-in-query-functions/geospatial", "Things", "st_overlaps(" + square + ",geography'POLYGON ((8.043 52.277,9 52.277,9 53,8.043 53,8.043 52.277))') and name eq 'Eiche'", "Eiche"},
		{"built-in-query-functions/geospatial", "Things", "st_relate(Locations/location," + square + ",'T********')", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Locations", "st_within(location," + square + ")", "Papierkorb"},
		{"built-in-query-functions/geospatial", "FeaturesOfInterest", "st_within(feature," + square + ")", "Papierkorb"},
		{"built-in-query-functions/geospatial", "Datastreams", "st_within(observedArea," + square + ")", "Füllstand"},
		{"built-in-query-functions/geospatial", "", "st_within(FeatureOfInterest/feature," + square + ") and result eq 9", "9"},

		{"filter", "Things", "Locations/name eq 'Eiche'", "Eiche"},
		{"filter", "Things", "startswith(HistoricalLocations/Locations/name,'Lin')", "Linde"},
		{"filter", "Things", "Datastreams/ObservedProperty/properties/quantity eq 'fill_level'", "Papierkorb"},
		{"filter", "Things", "Locations/id eq null", "Wetter"},
		{"filter", "Things", "properties/baumart ne null", "Linde"},
		{"filter", "Things", "properties/nirgends eq null and name eq 'Eiche'", "Eiche"},
		{"filter", "Things", "Datastreams/Observations/result eq 'belegt'", "Stellplatz"},
		{"filter", "Things", "Datastreams/any(d:d/ObservedProperty/properties/quantity eq 'soil_moisture' and d/Observations/any(o:o/result gt 24))", "Linde"},
		{"filter", "Things", "Datastreams/any(d:d/properties/quantity eq 'soil_moisture') and Datastreams/any(d:d/properties/quantity eq 'soil_tension')", "Eiche|Linde"},
		{"filter", "Things", "Datastreams/any(d:startswith(d/name,'Bodenfeuchte') and endswith(d/name,properties/stadtteil))", ""},
		{"filter", "Sensors", "Datastreams/Thing/name eq 'Eiche'", "dragino/lse01"},
		{"filter", "HistoricalLocations", "Thing/name eq 'Eiche' and time eq 2026-01-01T00:00:00Z", "<nil>"},
		{"filter", "Things", "true and name eq 'Eiche'", "Eiche"},
		{"filter", "Things", "false", ""},
		{"filter", "Things", "name", ""},
		{"filter", "Things", "name gt 5 or name eq 2026-11-22 or name add 1 eq null and false", ""},
	} {
		t.Run("request-data/"+c.requirement+"/"+c.filter, func(t *testing.T) {
			path, property := "/"+c.set, "name"
			if c.set == "" {
				path, property = bin+"/Observations", "result"
			}
			options := []string{"$filter", c.filter, "$count", "true"}
			if c.set != "" && c.set != "HistoricalLocations" {
				options = append(options, "$orderby", "name")
			}
			d := shared.get(t, path, options...)
			var got []string
			for _, word := range strings.Split(names(t, d, property), "|") {
				word, _, _ = strings.Cut(word, " ")
				got = append(got, word)
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("chooses %s, want %s", s, c.want)
			}
			n := len(values(t, d))
			if d["@iot.count"] != float64(n) {
				t.Errorf("@iot.count %v of %d", d["@iot.count"], n)
			}
		})
	}
}
