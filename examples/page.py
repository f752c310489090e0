"""The page that all examples show. Nothing in here has to do with sign-in."""

from collections.abc import Sequence

from markupsafe import Markup


def page(heading: str, who: str = "", groups: Sequence[str] = ()) -> str:
    """Return a page in HTML: a heading, who is signed in, and the way to the other pages."""
    if who:
        told = Markup("Signed in as <b>{}</b>, groups: {}").format(who, ", ".join(groups) or "none")
        way_out = Markup('<a href="/oauth2/sign_out">Sign out</a>')
    else:
        told, way_out = Markup("Nobody is signed in"), Markup('<a href="/oauth2/start?rd=/">Sign in</a>')
    return PAGE.format(heading=heading, told=told, way_out=way_out)


PAGE = Markup("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{heading}</title>
<style>
  body {{ max-width: 27rem; margin: 12vh auto; padding: 0 1.5rem; font: 1rem/1.6 system-ui, sans-serif }}
  h1 {{ font-size: 1.5rem; line-height: 1.25 }}
  nav {{ display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin-top: 2rem }}
</style>
<h1>{heading}</h1>
<p>{told}</p>
<nav><a href="/">Home</a> <a href="/reports">Reports</a> <a href="/admin">Administration</a> {way_out}</nav>
</html>
""")
