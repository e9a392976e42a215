package grafana

import (
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"testing"
)

func decodeTile(t *testing.T) image.Image {
	t.Helper()
	text, found := strings.CutPrefix(emptyTile, "data:image/png;base64,")
	if !found {
		t.Fatal("not a data address")
	}
	img, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return img
}
