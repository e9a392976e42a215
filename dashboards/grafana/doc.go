// Package grafana makes boards for Grafana: as Go, which becomes JSON, which becomes files
// that Grafana reads at its start (Files) or objects that it is given over HTTP (Push).
//
// The boards ask InfluxDB for readings and places, in Flux or in InfluxQL, and Prometheus
// for the platform's own figures. What is asked and how it is shown is written once, in the
// files named after the boards; flux.go and influxql.go put the questions into words.
//
// It knows the names of measurements, tags, fields and metrics, and nothing else of the
// platform. It reads and writes no files. How the JSON looks is Grafana's: docs/grafana.md
// says for which versions.
package grafana
