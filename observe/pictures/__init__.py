"""Dashboards as pictures: the panels that Grafana would show, drawn from what a Prometheus knows."""
