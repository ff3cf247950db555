package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/report/page"
	"slimfit/pkg/serve"
)

// usualPort is served on unless another is asked for, or it is taken.
const usualPort = 8765

// serveCommand shows a run folder's report page live.
func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "show a run folder's report in the browser, live while trials train; Ctrl-C ends it",
		ArgsUsage: "DIR",
		Flags: []cli.Flag{cacheFlag(),
			&cli.IntFlag{Name: "port", Usage: "serve on port `N`", DefaultText: fmt.Sprintf("%d, or a free one where it is taken", usualPort)},
			&cli.StringFlag{Name: "host", Value: "127.0.0.1", Usage: "serve on `ADDRESS`: on any but the default, whoever reaches it reads the report"}},
		Action: func(c *cli.Context) error {
			dir, err := oneArg(c, "run folder")
			if err != nil {
				return err
			}
			o := consoleOf(c)
			return runServe(c.Context, o, labOf(c, o), dir, c.String("host"), c.Int("port"))
		},
	}
}

func runServe(ctx context.Context, o console, l *lab.Lab, dir, host string, port int) error {
	if port < 0 || port > 65535 {
		return exit.Usagef("--port %d: want 1 to 65535", port)
	}
	folder, err := l.OpenFolder(dir)
	if err != nil {
		return err
	}
	at, err := listen(host, port) // a port in use is told before anything is read
	if err != nil {
		return err
	}
	s := openStatus(l, folder)
	quiet := *l
	quiet.Note = l.Detail // of each report: the first one's notes would come again and again
	server := serve.Server{Viewer: &s.viewer, Keys: s.keys, Label: s.label, Page: func(number int) ([]byte, error) {
		r, err := quiet.ReadReports([]string{dir}, lab.ReportOptions{Pictures: true})
		if err != nil {
			return nil, err
		}
		return page.Live(r.Reports[0], number)
	}}
	if net.ParseIP(host) == nil {
		server.Name = host
	}
	if err := o.print([]byte("http://" + at.Addr().String() + "/\n")); err != nil {
		return err
	}
	if err := server.Run(ctx, at); err != nil {
		return fmt.Errorf("serve %s: %w", dir, err)
	}
	return nil
}

// listen takes the port, or where none is asked for, the usual one or any.
func listen(host string, port int) (net.Listener, error) {
	wanted := port
	if port == 0 {
		wanted = usualPort
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(wanted)))
	if port == 0 && errors.Is(err, syscall.EADDRINUSE) {
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, exit.Usagef("port %d of %s is in use: name another by --port, or none for a free one", port, host)
	}
	if err != nil {
		return nil, exit.With(exit.Usage, fmt.Errorf("serve: %w", err))
	}
	return l, nil
}
