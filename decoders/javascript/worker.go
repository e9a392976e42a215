package javascript

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"meldefunk/decoders/javascript/engine"
)

const (
	slots    = 16       // compiled codecs that a worker keeps
	maxState = 3 << 19  // bytes of a compiled codec, the language included
	maxStack = 64 << 20 // bytes of goroutine stack; the engine's own limit on recursion is at 16 MB
)

// Worker is the whole life of a child process: it reads frames from in and answers them on
// out until in ends. memoryMiB is what JavaScript may use. It confines the process it runs
// in for good, so it must be alone there.
func Worker(in io.Reader, out io.Writer, memoryMiB int) error {
	if memoryMiB < 4 || memoryMiB > 32 {
		return fmt.Errorf("memory of %d MiB: want 4 to 32", memoryMiB)
	}
	debug.SetMaxStack(maxStack)
	e, err := engine.New(memoryMiB << 20)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := confine(); err != nil {
		return err
	}
	w := worker{engine: e}
	answer := endFrame(startFrame(nil, frameDone))
	requests := bufio.NewReader(in)
	var request []byte
	for {
		if _, err := out.Write(answer); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		request, err = readFrame(requests, request)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if answer, err = w.answer(answer, request); err != nil {
			return err
		}
	}
}

type worker struct {
	engine   *engine.Engine
	programs [slots]*engine.Program
}

// answer makes the answer to a request in b. An error means that the platform and its
// worker do not understand each other.
func (w *worker) answer(b, request []byte) ([]byte, error) {
	var text string
	var failed error
	switch body := request[1:]; request[0] {
	case frameLoad:
		slot, strict, name, source, err := parseLoad(body)
		if err != nil || int(slot) >= slots {
			return nil, fmt.Errorf("load into slot %d: %w", slot, err)
		}
		failed = w.load(slot, strict, name, source)
	case frameDecode:
		slot, port, ms, payload, err := parseDecode(body)
		if err != nil || int(slot) >= slots || w.programs[slot] == nil {
			return nil, fmt.Errorf("decode with slot %d: %w", slot, err)
		}
		text, failed = w.engine.Run(w.programs[slot], port, payload, time.UnixMilli(ms))
		if failed == nil && len(text) > maxAnswer {
			failed = fmt.Errorf("gives %d bytes: want %d at most", len(text), maxAnswer)
		}
	default:
		return nil, fmt.Errorf("frame of kind %q", request[0])
	}
	if failed != nil {
		return endFrame(append(startFrame(b, frameRefused), clip(failed.Error(), maxText)...)), nil
	}
	return endFrame(append(startFrame(b, frameDone), text...)), nil
}

func (w *worker) load(slot byte, strict bool, name, source string) error {
	w.programs[slot] = nil
	p, err := w.engine.Compile(name, source, strict)
	if err != nil {
		return err
	}
	if p.Size() > maxState {
		return fmt.Errorf("takes %d bytes when compiled: want %d at most", p.Size(), maxState)
	}
	w.programs[slot] = p
	return nil
}
