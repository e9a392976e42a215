// Package sensorthings answers the OGC SensorThings API 1.1 (OGC 18-088) for reading: what
// the city releases of its assets, their places and their readings, as open data. It writes
// nothing.
//
// It does not know how readings are stored or come about. What may be seen is decided by a
// Release; parking bays appear only as areas and by the quarter of an hour.
package sensorthings
