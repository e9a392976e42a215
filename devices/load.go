package devices

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"meldefunk/city/register"
)

// maxCSV and maxYAML limit the size of one file, in bytes. A YAML document becomes a tree
// in memory of many times its size; a city that outgrows it has its list as CSV anyway.
const (
	maxCSV  = 64 << 20
	maxYAML = 16 << 20
)

// Load makes an inventory of what the register keeps and of what stands in files, *.yaml,
// *.yml or *.csv, and checks it as a whole. A device of one source may hang on an asset of
// another; the same fact may stand in both, a different one may not. The error holds every
// problem (the first hundred of them), each on its own line as "file:line: what is wrong,
// and what is allowed".
//
// YAML has two lists:
//
//	assets:
//	  - id: PK-0042                  # the city's own number
//	    kind: bin                    # see city.Kinds
//	    name: Papierkorb Domhof 4    # from here on everything may be left out
//	    address: Domhof 4
//	    position: [52.2775, 8.0417]  # latitude, longitude (WGS 84)
//	    district: Innenstadt
//	    tour: "3"
//	    owner: Stadtwerke            # if it is not the city's
//	    empty: 1200 mm               # sensor to bottom; mm, cm or m
//	    full: 200 mm                 # sensor to contents when full
//	    offset: 0 mm                 # added to the distance
//	    shape: linear                # lying_cylinder or sphere, with height; table, with points
//	    offsets: {temperature: -0.5} # added to what the sensor measures, before anything else
//	  - id: PG-3
//	    kind: level
//	    level: {zero: 4500 mm}       # sensor down to the zero of the gauge
//	devices:
//	  - dev_eui: 24e124713b170042
//	    model: milesight/em310-udl
//	    asset: PK-0042
//	    server: stadtwerke           # only messages of this network server count
//	    firmware: 1.2.1              # where it decides how payloads are read
//
// CSV has a row per device and its asset, see Columns. A row with nothing but dev_eui,
// model, asset, server and firmware hangs the device on an asset that is described elsewhere. An asset
// may be described several times in the same words.
func Load(files []string, kept register.Snapshot, models Models) (*Inventory, error) {
	b := newBuilder(models)
	b.addRegister(&kept, len(files))
	for i, path := range files {
		if !b.full {
			b.readFile(&source{name: path, order: i}, path)
		}
	}
	return b.build()
}

func (b *builder) readFile(s *source, path string) {
	at := place{source: s}
	read, limit := b.readYAML, maxYAML
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".yaml", ".yml":
	case ".csv":
		read, limit = b.readCSV, maxCSV
	default:
		b.stop(at, "%.20q is no kind of file that is read here: want *.yaml, *.yml or *.csv", ext)
		return
	}
	data, err := readLimited(path, limit)
	if err != nil {
		b.stop(at, "%w", err)
		return
	}
	if line, ok := notUTF8(data); ok {
		b.stop(place{source: s, line: line}, "is not UTF-8: save the file as UTF-8 (in a spreadsheet \"CSV UTF-8\")")
		return
	}
	read(s, data)
}

func readLimited(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		var where *os.PathError
		if errors.As(err, &where) {
			err = where.Err // the path is said already
		}
		return nil, fmt.Errorf("open inventory: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	if len(data) > limit {
		return nil, fmt.Errorf("the file is too large: want %d MiB at most; split it, or turn YAML into CSV (%d MiB)", limit>>20, maxCSV>>20)
	}
	return data, nil
}

// notUTF8 gives the line of the first byte that is not UTF-8. Spreadsheets save in the
// code page of Windows, or in UTF-16, unless told otherwise.
func notUTF8(data []byte) (line int, found bool) {
	if utf8.Valid(data) {
		return 0, false
	}
	line = 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return line, true
}
