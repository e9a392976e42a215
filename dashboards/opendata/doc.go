// Package opendata publishes what the city releases: sets as GeoJSON and CSV, a page for each
// that tells its fields and its licence, and a catalogue that data portals harvest. What is not
// released is not there, bays are told by zone and never one by one, and no device is told of.
//
// It does not know how anything is stored, or who asks: everybody may.
package opendata
