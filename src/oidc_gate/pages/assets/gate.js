// A browser keeps the part of an address after "#" to itself, so it would be lost at the provider.
// Here it is added to "rd", which is always the last parameter of the links marked data-return.
// Without this script the page works the same; one only lands at the top of the page that was asked for.
(function () {
  "use strict";

  var LONGEST = 1024;

  // A page in a frame leads back to the page around it, if that is known.
  function hashOfPage() {
    try {
      return (document.referrer ? window.top : window).location.hash;
    } catch (error) {
      return "";
    }
  }

  function fragment() {
    var hash = hashOfPage();
    // What another sign-in left in the address must not travel through a query string into logs.
    var secret = /[#&?](access_token|id_token|code)=/i.test(hash);
    return hash.length > LONGEST || secret ? "" : hash;
  }

  var links = Array.prototype.map.call(document.querySelectorAll("a[data-return]"), function (link) {
    return { link: link, href: link.getAttribute("href") };
  });

  function carry() {
    links.forEach(function (entry) {
      if (/[?&]rd=[^&#]*$/.test(entry.href)) {
        entry.link.setAttribute("href", entry.href + encodeURIComponent(fragment()));
      }
    });
  }

  carry();
  window.addEventListener("hashchange", carry);

  var again = document.querySelector("[data-again]");
  if (again) {
    // A page of "please wait": the Refresh, which counts whole seconds, comes a little later than this.
    setTimeout(function () {
      if (again.tagName === "FORM") {
        HTMLFormElement.prototype.submit.call(again); // a field may be named "submit"
      } else {
        location.reload();
      }
    }, Number(again.getAttribute("data-again")));
  }

  var automatic = document.querySelector("a[data-automatic]");
  if (automatic && fragment()) {
    // The page's own Refresh knows no fragment and waits for the load event; stop() calls it off.
    window.stop();
    location.replace(automatic.href);
  }
})();
