// Package profile is what we ask of a city that lets its ticket system take cases from
// us: the part of Open311 GeoReport v2 that this needs, in JSON, and three promises beside
// it (repeating a create does no harm; what was taken is found at once by its reference;
// where it stands can be read back). The document says it for programs, the server shows
// that it can be done in a few hundred lines.
//
// It does not know what a case is or who sends requests. The sending side is a GeoReport
// client.
package profile
